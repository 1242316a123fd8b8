"""Parts of the documentation that are made from the programs themselves, and so cannot be wrong.

``.. rest-api::`` writes out the daemon's own OpenAPI document, ``.. usage:: NAME`` the options of
a twistd command, ``.. commands::`` all commands of ``qabel``.
"""

import json
import sys
from collections.abc import Iterator
from typing import Any, ClassVar

import click
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import qabel.dropserver.tap
import qabel.tap
from qabel.cli import command
from qabel.rest.app import Api

USAGES = {"qabel-rest": qabel.tap.Options, "qabel-drop": qabel.dropserver.tap.Options}


class Generated(SphinxDirective):
    """Writes reStructuredText, which is read as if it stood on the page."""

    def lines(self) -> Iterator[str]:
        """Give the text, line by line."""
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        """Read the text."""
        text = StringList(list(self.lines()), source=self.name)
        return self.parse_text_to_nodes("\n".join(text), allow_section_headings=True)


class RestApi(Generated):
    """All resources, by subject."""

    def lines(self) -> Iterator[str]:
        """Write what the OpenAPI document says."""
        subjects: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
        for path, operations in json.loads(Api.openapi())["paths"].items():
            for method, operation in operations.items():
                if method != "head":
                    subjects.setdefault(operation["tags"][0], []).append((method, path, operation))
        for subject, all_of_it in subjects.items():
            yield from ("", subject, "~" * len(subject), "")
            for method, path, operation in all_of_it:
                yield from _operation(method.upper(), path, operation)


def _operation(method: str, path: str, operation: dict[str, Any]) -> Iterator[str]:
    yield from (f"``{method} {path}``", f"    {operation['summary']}.")
    scopes = operation.get("description", "Scopes: none; no token is needed.")
    yield from (f"    {scopes}", "")
    for parameter in operation["parameters"]:
        if parameter["in"] == "query":
            default = parameter["schema"].get("default")
            more = "" if default is None else f" Default: ``{default}``."
            yield f"    * ``?{parameter['name']}=`` {parameter['description']}{more}"
    yield from _body(operation.get("requestBody", {}))
    for status, response in operation["responses"].items():
        if status != "default":
            yield f"    * **{status}** {response['description']}"
    yield ""


def _body(body: dict[str, Any]) -> Iterator[str]:
    if "description" in body:
        yield f"    * Body: {body['description']}"
    schema = body.get("content", {}).get("application/json", {}).get("schema", {})
    for key, value in schema.get("properties", {}).items():
        more = "" if key in schema["required"] else " May be left out."
        yield f"    * ``{key}``: {value['description']}{more}"


class Usage(SphinxDirective):
    """What ``twistd NAME --help`` says."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Write it as it is said."""
        sys.argv[0], kept = "twistd", sys.argv[0]
        text = USAGES[self.arguments[0]]().getUsage(width=78)
        sys.argv[0] = kept
        options = text.partition("Options:\n")[2].partition("\n\n")[0]
        return [nodes.literal_block(options, options.rstrip())]


class Commands(Generated):
    """All commands of ``qabel``, with their options."""

    option_spec: ClassVar[dict[str, Any]] = {}

    def lines(self) -> Iterator[str]:
        """Write what each says of itself."""
        yield from _command(command, ["qabel"])


def _command(what: click.Command, names: list[str]) -> Iterator[str]:
    context = click.Context(what, info_name=" ".join(names))
    usage = what.collect_usage_pieces(context)
    if len(names) > 1:
        yield from (f"``{' '.join([*names, *usage])}``", f"    {what.get_short_help_str(200)}", "")
    for parameter in what.params:
        record = parameter.get_help_record(context)
        if record is not None:
            yield from (f"    ``{record[0]}``", f"        {record[1] or ''}", "")
    if isinstance(what, click.Group):
        for name in what.list_commands(context):
            found = what.get_command(context, name)
            if found is not None:
                yield from _command(found, [*names, name])


def setup(app: Sphinx) -> dict[str, Any]:
    """Make the directives known."""
    app.add_directive("rest-api", RestApi)
    app.add_directive("usage", Usage)
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True}
