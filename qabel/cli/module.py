"""``qabel module``: the modules that run in the daemon."""

from collections.abc import Mapping
from typing import Any

import click

from qabel.cli.context import Group, Session, pass_session
from qabel.cli.errors import CommandError, ExitStatus, not_found
from qabel.cli.module_commands import RootGroup
from qabel.cli.table import Column
from qabel.cli.text import visible

_COLORS = {"running": "green", "building": "yellow", "failed": "red"}


def _state(found: Mapping[str, Any]) -> str:
    if found["state"] == "building":
        return f"building, {found['done']:.0%}"
    state: str = found["state"]
    return state


_COLUMNS = [
    Column("MODULE", lambda each: each["name"], lambda _: "bold"),
    Column("STATE", _state, lambda each: _COLORS[each["state"]]),
    Column("SET ASIDE", lambda each: each["set_aside"] or "-"),
    Column("SUMMARY", lambda each: each["reason"] or each["summary"]),
]

NAME = click.argument("name")


@click.group(cls=Group, default="list", short_help="List modules, and rebuild what they keep.")
def module() -> None:
    """Modules: parts of the daemon that own kinds of messages.

    Start the daemon with --module NAME to run one that is installed.
    """


@module.command("list")
@pass_session
def listed(session: Session) -> None:
    """List the modules that are to run."""
    found = session.client.get("/modules")
    session.out.rows(found, _COLUMNS, "No modules run. See qabel-rest --help")
    root = click.get_current_context().find_root().command
    for each in root.refused if isinstance(root, RootGroup) else ():
        session.out.warning(f"The command {each.name} of {each.package} is refused: {each.reason}")


@module.command("rebuild")
@NAME
@pass_session
def rebuild(session: Session, name: str) -> None:
    """Have a module make anew what it keeps of messages, in the background."""
    try:
        found = session.client.post(f"/modules/{name}/rebuild")
    except CommandError as error:
        if error.exit_status == ExitStatus.NOT_FOUND:
            raise not_found(f"No module {visible(name)} runs", "Run: qabel module list") from None
        raise
    session.out.done(f"Rebuilding {found['name']}. To see how far it is: qabel module list", found)
