"""``qabel server``: the drop servers on which new identities receive."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from qabel.cli.api_client import ApiClient
from qabel.cli.context import Group, Session, pass_session
from qabel.cli.errors import CommandError, not_found, usage_error
from qabel.cli.group_token_input import ask_group_token, is_typed, read_group_token
from qabel.cli.names import parse_id
from qabel.cli.server_findings import (
    found_at,
    is_closed,
    is_other_server,
    show_checks,
    summary,
    try_server,
)
from qabel.cli.table import Column
from qabel.cli.units import count
from qabel.drop.plain_http import is_unencrypted

_COLUMNS = [
    Column("ID", lambda each: each["id"], stays=True),
    Column("DROP SERVER", lambda each: each["url"], lambda _: "bold"),
    Column(
        "USED FOR NEW DROPS",
        lambda each: "yes" if each["preferred"] else "no" if each["active"] else "no (not active)",
        lambda each: "green" if each["preferred"] else "",
    ),
]

_GROUP_TOKEN = Column("GROUP TOKEN", lambda each: "set" if each.get("has_auth") else "-")
"""Shown only if a server is for a closed group."""

SERVER = click.argument("server", metavar="ID|URL")

_FILE = click.Path(dir_okay=False, allow_dash=True)
_FILE_HELP = "File with the token of the closed group that it is for; - is standard input."


@click.group(cls=Group, default="list", short_help="List, add, test and remove drop servers.")
def server() -> None:
    """Drop servers. New identities receive on the first active one.

    \b
    Examples:
      qabel server add https://drop.example.org
      qabel server test
      qabel server prefer https://drop.example.org
    """  # noqa: D301 - click keeps the lines after this character as they are


@server.command("list")
@pass_session
def listed(session: Session) -> None:
    """List the drop servers, and which one is used for new drops."""
    found = session.client.get("/servers")
    columns = [*_COLUMNS, _GROUP_TOKEN] if any(each.get("has_auth") for each in found) else _COLUMNS
    session.out.rows(found, columns, "No drop servers. Add one: qabel server add URL")


@server.command("add")
@click.argument("url")
@click.option("--group-token-file", "file", metavar="FILE", type=_FILE, help=_FILE_HELP)
@click.option("--force", is_flag=True, help="Add it even if the test shows that it does not work.")
@pass_session
def add(session: Session, url: str, file: str | None, *, force: bool) -> None:
    """Add a drop server, such as https://drop.example.org.

    It is tried first, as qabel server test does. A server that does not respond now is added with
    a warning; something that is no drop server, or the server of a closed group that does not
    accept the group token, is added only with --force.
    """
    token = None if file is None else read_group_token(file)
    result = found_at(session, url, token)
    if is_closed(result) and token is None and not force and is_typed(session):
        session.out.note(f"{url} is for a closed group. Ask its operator for the token.")
        token = ask_group_token()
        result = found_at(session, url, token)
    if is_closed(result) and not force:
        raise _not_admitted(url, token)
    if result is not None and is_other_server(result) and not force:
        _confirm_other(session, result)
    added = session.client.post("/servers", {"url": url, "auth": token or ""})
    session.out.done(f"Added {added['url']} (id {added['id']}).", added)
    _show_test(session, url, result)
    if is_unencrypted(added["url"]):
        session.out.note(
            "Warning: it uses http: others can see and change what goes there and back.", "yellow"
        )
    if not added["preferred"] and added["active"]:
        session.out.note(f"To use it for new drops: qabel server prefer {added['id']}")


def _not_admitted(url: str, token: str | None) -> CommandError:
    if token is None:
        what = f"{url} is for a closed group, and asks for its token"
        return CommandError(what, hint="Pass it with --group-token-file FILE")
    what = f"{url} does not accept this group token; nothing was changed"
    return CommandError(what, hint="To do it all the same: --force")


def _show_test(session: Session, url: str, result: Mapping[str, Any] | None) -> None:
    if result is not None and result["ok"]:
        session.out.note(summary(result))
    elif result is not None:
        session.out.warning(f"Warning: {result['detail']} Try again: qabel server test {url}")


def _confirm_other(session: Session, result: Mapping[str, Any]) -> None:
    """Ask whether to add what is no drop server. Raises CommandError if it is not to be added."""
    refusal = CommandError(f"{result['url']}: {result['detail']}", hint="To add it: --force")
    if session.out.json or not sys.stdin.isatty():
        raise refusal
    session.out.note(f"{result['url']}: {result['detail']}", "yellow")
    if not click.confirm("Add it all the same?", err=True):
        raise CommandError("Cancelled; nothing was changed")


@server.command("test", short_help="Try a drop server; by default all in the list.")
@click.argument("server", metavar="[ID|URL]", required=False)
@pass_session
def test(session: Session, server: str | None) -> None:
    """Try a drop server, in the list or not; by default all in the list.

    A new drop is read, a message of random bytes is posted to it and read again, and a push
    connection is opened. The exit status is 1 if a server does not work.
    """
    failures = []
    urls = _tested(session.client, server)
    if not urls:
        session.out.note("No drop servers. Add one: qabel server add URL")
    for url in urls:
        result = try_server(session, url)
        show_checks(session.out, result)
        session.out.flush()
        if not result["ok"]:
            failures.append(CommandError(f"{result['url']}: {result['detail']}"))
            if len(urls) > 1:
                session.out.error(failures[-1])
    if len(urls) == 1 and failures:
        raise failures[0]
    if failures:
        raise CommandError(f"{len(failures)} of {count(len(urls), 'drop server')} failed")


@server.command("prefer")
@SERVER
@pass_session
def prefer(session: Session, server: str) -> None:
    """Create the drops of new identities on this drop server."""
    found = session.client.post(f"/servers/{_required(session, server)['id']}/prefer")
    session.out.done(f"New identities receive on {found['url']}.", found)


@server.command("group-token")
@SERVER
@click.option("--file", "file", metavar="FILE", type=_FILE, help=_FILE_HELP)
@click.option("--remove", "is_removed", is_flag=True, help="Remove the token that is set.")
@click.option("--force", is_flag=True, help="Set it even if the server does not accept it.")
@pass_session
def group_token(
    session: Session, server: str, file: str | None, *, is_removed: bool, force: bool
) -> None:
    """Set the token of the closed group that a drop server is for.

    It is used at once, for everything on that server, and never shown again. Without --file you
    are asked for it; it is tried before it is set.
    """
    if is_removed and file is not None:
        raise usage_error("Pass either --file FILE or --remove, not both")
    found = _required(session, server)
    path = f"/servers/{found['id']}"
    if is_removed:
        changed = session.client.patch(path, {"auth": ""})
        session.out.done(f"Removed the group token of {found['url']}.", changed)
        return
    if file is None and is_typed(session):
        token = ask_group_token()
    else:
        token = read_group_token(file or "-")
    result = found_at(session, found["url"], token)
    if is_closed(result) and not force:
        raise _not_admitted(found["url"], token)
    changed = session.client.patch(path, {"auth": token})
    session.out.done(f"Set the group token of {found['url']}.", changed)
    _show_test(session, found["url"], result)


@server.command("remove")
@SERVER
@pass_session
def remove(session: Session, server: str) -> None:
    """Remove a drop server. Existing drops on it are still read, if that takes no group token."""
    found = _required(session, server)
    session.client.delete(f"/servers/{found['id']}")
    session.out.done(f"Removed {found['url']}.", {"id": found["id"], "deleted": True})
    if found.get("has_auth"):
        session.out.note(
            "Its group token is not used any more: if you have drops there, they cannot be read "
            f"until you add it again: qabel server add {found['url']} --group-token-file FILE",
            "yellow",
        )


def _tested(client: ApiClient, server: str | None) -> Sequence[str]:
    """Return the URLs of the servers to try."""
    listed: list[Mapping[str, Any]] = client.get("/servers")
    if server is None:
        return [each["url"] for each in listed]
    found = _find(listed, server)
    if found is None and _is_id(server):
        raise _no_such(server)
    return [server if found is None else found["url"]]


def _find(listed: Sequence[Mapping[str, Any]], server: str) -> Mapping[str, Any] | None:
    """Return a drop server in the list, by its id or URL."""
    number, names = parse_id(server), (server, server.rstrip("/"))
    for each in listed:
        if each["id"] == number or each["url"] in names:
            return each
    return None


def _is_id(server: str) -> bool:
    return parse_id(server) is not None


def _no_such(server: str) -> CommandError:
    hint = "Run: qabel server list" if _is_id(server) else f"Add it: qabel server add {server}"
    return not_found(f"No such drop server: {server}", hint)


def _required(session: Session, server: str) -> Mapping[str, Any]:
    found = _find(session.client.get("/servers"), server)
    if found is None:
        raise _no_such(server)
    return found
