"""``qabel server``: the drop servers on which new identities receive."""

import time
from collections.abc import Mapping
from typing import Any

import click

from qabel.cli.context import Group, Session, pass_session
from qabel.cli.errors import not_found
from qabel.cli.settings import get_versioned
from qabel.cli.table import Column
from qabel.drop.plain_http import is_unencrypted

_COLUMNS = [
    Column("ID", lambda each: each["id"]),
    Column("DROP SERVER", lambda each: each["url"], lambda _: "bold"),
    Column("ACTIVE", lambda each: "yes" if each["active"] else "no"),
]


@click.group(cls=Group, default="list", short_help="List, add and remove drop servers.")
def server() -> None:
    """Drop servers. New identities receive on the first active one."""


@server.command("list")
@pass_session
def listed(session: Session) -> None:
    """List the drop servers."""
    document, _ = get_versioned(session.client, "/synced")
    found = [each for each in document["drop_servers"] if not each["deleted"]]
    session.out.rows(found, _COLUMNS, "No drop servers. Add one: qabel server add URL")


@server.command("add")
@click.argument("url")
@click.option("--auth", default="", help="Credentials for the server, if it requires any.")
@pass_session
def add(session: Session, url: str, auth: str) -> None:
    """Add a drop server, such as https://drop.example.org."""
    document, version = get_versioned(session.client, "/synced")
    known = {each["id"] for each in document["drop_servers"]}
    item = {"url": url, "auth": auth, "active": True}
    changed = _replace(session, [*document["drop_servers"], item], version)
    added = next(each for each in changed["drop_servers"] if each["id"] not in known)
    session.out.done(f"Added {added['url']} (id {added['id']}).", _without_auth(added))
    if is_unencrypted(added["url"]):
        session.out.note(
            "Warning: it uses http: others can see and change what goes there and back.", "yellow"
        )


@server.command("remove")
@click.argument("server", metavar="ID|URL")
@pass_session
def remove(session: Session, server: str) -> None:
    """Remove a drop server. Existing drops on it are still read."""
    document, version = get_versioned(session.client, "/synced")
    servers = document["drop_servers"]
    found = [
        each for each in servers if not each["deleted"] and server in (str(each["id"]), each["url"])
    ]
    if not found:
        raise not_found(f"No such drop server: {server}", "Run: qabel server list")
    removed = {each["id"] for each in found}
    now = int(time.time())
    changed = [{**each, "deleted": now} if each["id"] in removed else each for each in servers]
    _replace(session, changed, version)
    for each in found:
        session.out.done(f"Removed {each['url']}.", {"id": each["id"], "deleted": True})


def _replace(session: Session, servers: list[Mapping[str, Any]], version: str) -> Any:
    body = {"key": "drop_servers", "value": servers}
    return session.client.put("/synced", body, {"If-Match": version})


def _without_auth(server: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in server.items() if name != "auth"}
