"""Directives for parts of the documentation that are generated from the programs.

``.. rest-api::`` describes the routes of the daemon's OpenAPI document, ``.. usage:: NAME`` the
options of a daemon, and ``.. commands::`` all commands of ``qabel``.
"""

import json
import re
from collections.abc import Iterator
from inspect import cleandoc
from typing import Any, ClassVar

import click
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import qabel.blockserver.tap
import qabel.dropserver.tap
import qabel.tap
from qabel.cli import command
from qabel.rest.app import Api

_SPECIAL, _ESCAPED = re.compile(r"([\\*`_|])"), r"\\\1"

USAGES = {
    "qabel-rest": qabel.tap.Options,
    "qabel-drop": qabel.dropserver.tap.Options,
    "qabel-block": qabel.blockserver.tap.Options,
}


class Generated(SphinxDirective):
    """Generates reStructuredText, which is parsed as part of the page."""

    def lines(self) -> Iterator[str]:
        """Yield the lines of the text."""
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        """Parse the text."""
        text = StringList(list(self.lines()), source=self.name)
        return self.parse_text_to_nodes("\n".join(text), allow_section_headings=True)


class RestApi(Generated):
    """All routes, by subject."""

    def lines(self) -> Iterator[str]:
        """Yield what the OpenAPI document says."""
        contract = json.loads(Api.openapi())
        common = {
            status: response["description"]
            for status, response in contract["components"]["responses"].items()
        }
        yield from ("Besides the responses that it lists, a route can respond with these:", "")
        yield from (f"* **{status}** {meaning}" for status, meaning in common.items())
        subjects: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
        for path, operations in contract["paths"].items():
            for method, operation in operations.items():
                if method != "head":
                    subjects.setdefault(operation["tags"][0], []).append((method, path, operation))
        for subject, found in subjects.items():
            yield from ("", subject, "~" * len(subject), "")
            for method, path, operation in found:
                yield from _operation(method.upper(), path, operation, common)


def _operation(
    method: str, path: str, operation: dict[str, Any], common: dict[str, str]
) -> Iterator[str]:
    yield from (f"``{method} {path}``", f"    {operation['summary']}.")
    scopes = operation.get("description", "Scopes: none; no token is needed.")
    yield from (f"    {scopes}", "")
    for parameter in operation["parameters"]:
        default = parameter["schema"].get("default")
        more = "" if default is None else f" Default: ``{default}``."
        if parameter["in"] == "query":
            yield f"    * ``?{parameter['name']}=`` {parameter['description']}{more}"
        elif parameter["in"] == "header":
            yield f"    * ``{parameter['name']}:`` {parameter['description']}{more}"
    yield from _body(operation.get("requestBody", {}))
    for status, response in operation["responses"].items():
        if response["description"] != common.get(status):
            yield f"    * **{status}** {response['description']}"
    yield ""


def _body(body: dict[str, Any]) -> Iterator[str]:
    if "description" in body:
        yield f"    * Body: {body['description']}"
    schema = body.get("content", {}).get("application/json", {}).get("schema", {})
    for key, value in schema.get("properties", {}).items():
        more = "" if key in schema["required"] else " Optional."
        yield f"    * ``{key}``: {value['description']}{more}"


class Usage(SphinxDirective):
    """The options in ``NAME --help``, by subject."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the options as a literal block."""
        options = USAGES[self.arguments[0]]().help_page().options(78)
        return [nodes.literal_block(options, options)]


class Commands(Generated):
    """All commands of ``qabel``, with their options."""

    option_spec: ClassVar[dict[str, Any]] = {}

    def lines(self) -> Iterator[str]:
        """Yield the usage, the help and the options of each command."""
        yield from _command(command, ["qabel"])


def _command(shown: click.Command, names: list[str]) -> Iterator[str]:
    context = click.Context(shown, info_name=" ".join(names))
    usage = shown.collect_usage_pieces(context)
    if len(names) > 1:
        yield from (f"``{' '.join([*names, *usage])}``", f"    {shown.get_short_help_str(200)}", "")
        yield from _explanation(shown)
    for parameter in shown.params:
        record = parameter.get_help_record(context)
        if record is not None:
            yield from (f"    ``{record[0]}``", f"        {record[1] or ''}", "")
    if isinstance(shown, click.Group):
        for name in shown.list_commands(context):
            found = shown.get_command(context, name)
            if found is not None:
                yield from _command(found, [*names, name])


def _explanation(shown: click.Command) -> Iterator[str]:
    """Yield the help of a command after its first sentence, and its examples."""
    text = f"{cleandoc(shown.help or '')}\n\n{cleandoc(shown.epilog or '')}"
    first, *others = text.strip().split("\n\n")
    _, _, rest = " ".join(first.split()).partition(". ")
    for each in filter(None, [rest, *others]):
        if each.startswith("\b\n"):
            yield from ("    ::", "", *(f"        {line}" for line in each.splitlines()[1:]), "")
        else:
            yield from (f"    {_SPECIAL.sub(_ESCAPED, ' '.join(each.split()))}", "")


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the directives to Sphinx."""
    app.add_directive("rest-api", RestApi)
    app.add_directive("usage", Usage)
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True}
