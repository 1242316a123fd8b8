"""``qabel server``: the drop servers on which new identities receive."""

from collections.abc import Mapping
from typing import Any

import click

from qabel.cli.context import Group, Session, pass_session
from qabel.cli.errors import CommandError, not_found
from qabel.cli.table import Column
from qabel.drop.plain_http import is_unencrypted

_COLUMNS = [
    Column("ID", lambda each: each["id"]),
    Column("DROP SERVER", lambda each: each["url"], lambda _: "bold"),
    Column("ACTIVE", lambda each: "yes" if each["active"] else "no"),
    Column("PREFERRED", lambda each: "yes" if each["preferred"] else ""),
]

TEST_TIMEOUT = 90.0
"""Seconds without a byte: through a proxy, a test may take 75."""

SERVER = click.argument("server", metavar="ID|URL")


@click.group(cls=Group, default="list", short_help="List, add, test and remove drop servers.")
def server() -> None:
    """Drop servers. New identities receive on the preferred one."""


@server.command("list")
@pass_session
def listed(session: Session) -> None:
    """List the drop servers."""
    found = session.client.get("/servers")
    session.out.rows(found, _COLUMNS, "No drop servers. Add one: qabel server add URL")


@server.command("add")
@click.argument("url")
@click.option("--auth", default="", help="Credentials for the server, if it requires any.")
@pass_session
def add(session: Session, url: str, auth: str) -> None:
    """Add a drop server, such as https://drop.example.org."""
    added = session.client.post("/servers", {"url": url, "auth": auth})
    session.out.done(f"Added {added['url']} (id {added['id']}).", added)
    if is_unencrypted(added["url"]):
        session.out.note(
            "Warning: it uses http: others can see and change what goes there and back.", "yellow"
        )


@server.command("test")
@SERVER
@pass_session
def test(session: Session, server: str) -> None:
    """Test whether there is a drop server at a URL, or whether one in the list responds."""
    found = _find(session, server)
    url = found["url"] if found else server
    result = session.client.request(
        "POST", "/servers/test", body={"url": url}, timeout=TEST_TIMEOUT
    ).value
    if not result["ok"]:
        raise CommandError(f"{result['url']}: {result['detail']}")
    session.out.done(f"{result['url']}: {result['detail']}", result)


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


def _find(session: Session, server: str) -> Mapping[str, Any] | None:
    """Return a drop server in the list, by its id or URL."""
    found: list[Mapping[str, Any]] = session.client.get("/servers")
    names = (server, server.rstrip("/"))
    return next((each for each in found if str(each["id"]) == server or each["url"] in names), None)


def _required(session: Session, server: str) -> Mapping[str, Any]:
    found = _find(session, server)
    if found is None:
        raise not_found(f"No such drop server: {server}", "Run: qabel server list")
    return found
