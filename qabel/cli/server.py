"""``qabel server``: the drop servers on which new identities receive."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from qabel.cli.api_client import ApiClient
from qabel.cli.context import Group, Session, pass_session
from qabel.cli.errors import CommandError, not_found
from qabel.cli.names import parse_id
from qabel.cli.server_findings import (
    found_at,
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

SERVER = click.argument("server", metavar="ID|URL")


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
    session.out.rows(found, _COLUMNS, "No drop servers. Add one: qabel server add URL")


@server.command("add")
@click.argument("url")
@click.option("--auth", default="", help="Credentials for the server, if it requires any.")
@click.option("--force", is_flag=True, help="Add it even if something else is at this URL.")
@pass_session
def add(session: Session, url: str, auth: str, *, force: bool) -> None:
    """Add a drop server, such as https://drop.example.org.

    It is tried first, as qabel server test does. A server that does not respond now is added with
    a warning; something that is no drop server is added only with --force.
    """
    result = found_at(session, url)
    if result is not None and is_other_server(result) and not force:
        _confirm_other(session, result)
    added = session.client.post("/servers", {"url": url, "auth": auth})
    session.out.done(f"Added {added['url']} (id {added['id']}).", added)
    if result is not None and result["ok"]:
        session.out.note(summary(result))
    elif result is not None:
        session.out.warning(f"Warning: {result['detail']} Try again: qabel server test {url}")
    if is_unencrypted(added["url"]):
        session.out.note(
            "Warning: it uses http: others can see and change what goes there and back.", "yellow"
        )
    if not added["preferred"] and added["active"]:
        session.out.note(f"To use it for new drops: qabel server prefer {added['id']}")


def _confirm_other(session: Session, result: Mapping[str, Any]) -> None:
    """Ask whether to add what is no drop server. Raises CommandError if it is not to be added."""
    refusal = CommandError(f"{result['url']}: {result['detail']}", hint="To add it: --force")
    if session.out.json or not sys.stdin.isatty():
        raise refusal
    session.out.note(f"{result['url']}: {result['detail']}", "yellow")
    if not click.confirm("Add it all the same?", err=True):
        raise CommandError("Cancelled; nothing was changed")


@server.command("test")
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


@server.command("remove")
@SERVER
@pass_session
def remove(session: Session, server: str) -> None:
    """Remove a drop server. Existing drops on it are still read."""
    found = _required(session, server)
    session.client.delete(f"/servers/{found['id']}")
    session.out.done(f"Removed {found['url']}.", {"id": found["id"], "deleted": True})


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
