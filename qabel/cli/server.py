"""``qabel server``: the drop servers on which new identities receive."""

import time
from collections.abc import Mapping
from typing import Any

import click

from qabel.cli.context import Group, Session, pass_session
from qabel.cli.errors import not_found
from qabel.cli.settings import versioned
from qabel.cli.table import Column

_COLUMNS = [
    Column("ID", lambda each: each["id"]),
    Column("DROP SERVER", lambda each: each["url"], lambda _: "bold"),
    Column("USED FOR NEW DROPS", lambda each: "yes" if each["active"] else "no"),
]


@click.group(cls=Group, listed="list", short_help="Choose the drop servers for new identities.")
def server() -> None:
    """Drop servers: the first active one is where new identities receive."""


@server.command("list")
@pass_session
def listed(session: Session) -> None:
    """List the drop servers in the settings."""
    document, _ = versioned(session.client, "/synced")
    found = [each for each in document["drop_servers"] if not each["deleted"]]
    session.out.rows(found, _COLUMNS, "No drop server yet: qabel server add URL")


@server.command("add")
@click.argument("url")
@click.option("--auth", default="", help="What the server wants to be told to let you in.")
@pass_session
def add(session: Session, url: str, auth: str) -> None:
    """Add a drop server, as https://drop.example.org."""
    document, version = versioned(session.client, "/synced")
    known = {each["id"] for each in document["drop_servers"]}
    item = {"url": url, "auth": auth, "active": True}
    after = _replaced(session, [*document["drop_servers"], item], version)
    made = next(each for each in after["drop_servers"] if each["id"] not in known)
    session.out.done(f"Added {made['url']} with id {made['id']}.", _shown(made))


@server.command("remove")
@click.argument("server", metavar="ID|URL")
@pass_session
def remove(session: Session, server: str) -> None:
    """Have no new drops made on a server. Drops that are on it are read as before."""
    document, version = versioned(session.client, "/synced")
    items = document["drop_servers"]
    living = [each for each in items if not each["deleted"]]
    found = [each for each in living if server in (str(each["id"]), each["url"])]
    if not found:
        raise not_found(f"there is no drop server {server}", "see qabel server list")
    gone = {each["id"] for each in found}
    now = int(time.time())
    changed = [{**each, "deleted": now} if each["id"] in gone else each for each in items]
    _replaced(session, changed, version)
    for each in found:
        session.out.done(f"Removed {each['url']}.", {"id": each["id"], "deleted": True})


def _replaced(session: Session, servers: list[Mapping[str, Any]], version: str) -> Any:
    body = {"key": "drop_servers", "value": servers}
    return session.client.put("/synced", body, {"If-Match": version})


def _shown(item: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in item.items() if name != "auth"}
