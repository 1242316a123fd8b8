"""``qabel settings``: the daemon's two settings documents."""

import json
import re
from collections.abc import Iterator
from typing import Any

import click

from qabel.cli.api_client import ApiClient
from qabel.cli.context import Group, Session, pass_session
from qabel.cli.errors import CommandError, not_found

SECRETS = re.compile(r"(^|\.)(private_key|auth|token|revoke_token)$")
"""Keys whose values are shown only if they are asked for by name."""

HIDDEN = "(hidden: name the key, or give --secrets, to see it)"

ABSENT = object()

SYNCED_KEYS = (
    "accounts",
    "drop_servers",
    "storage_servers",
    "storage_volumes",
    "identities",
    "contacts",
)

SYNCED = click.option(
    "--synced", is_flag=True, help="The synced settings: accounts, servers, identities, contacts."
)


@click.group(cls=Group, short_help="Show and change the settings of the daemon.")
def settings() -> None:
    """Show and change the settings of the daemon, each at a dotted KEY: module_data.chat.sound.

    Items of lists are named by their id: drop_servers.3.active.
    """


@settings.command("get")
@click.argument("key", required=False)
@SYNCED
@click.option("--secrets", is_flag=True, help="Show private keys and passwords too.")
@pass_session
def get(session: Session, key: str | None, *, synced: bool, secrets: bool) -> None:
    """Show the settings, or what stands at KEY.

    Without a KEY, private keys and passwords are hidden from the screen; --json shows all, so that
    what it writes can be given back.
    """
    found = session.client.get(_path(key, synced))
    value = found if key is None else _at(found, key)
    if value is ABSENT:
        raise not_found(f"nothing stands at {key}", "qabel settings get shows the keys")
    if session.out.json:
        session.out.value(value)
    elif key is not None and not isinstance(value, dict | list):
        session.out.line(_written(value), lines=True)
    else:
        for place, leaf in _leaves(value, key or ""):
            hidden = SECRETS.search(place) and leaf and not secrets
            session.out.line(
                f"{place} = {HIDDEN if hidden else json.dumps(leaf, ensure_ascii=False)}"
            )


@settings.command("set")
@click.argument("key")
@click.argument("value")
@SYNCED
@pass_session
def change(session: Session, key: str, value: str, *, synced: bool) -> None:
    """Set what stands at KEY to VALUE.

    VALUE is JSON; what is no JSON is taken as a text. So 5 is a number, and '"5"' a text. It is in
    force at once.
    """
    path = _path(key, synced)
    try:
        document = session.client.put(path, {"key": key, "value": _read(value)})
    except CommandError as error:
        if error.http_status == 405:
            error.hint = (
                f"qabel settings get{' --synced' if path == '/synced' else ''} shows the keys"
            )
        raise
    now = _at(document, key)
    if session.out.json:
        session.out.value(None if now is ABSENT else now)
    elif SECRETS.search(key) or isinstance(now, dict | list):
        session.out.line(f"{key} is set.")
    else:
        session.out.line(f"{key} = {json.dumps(now, ensure_ascii=False)}")


def versioned(client: ApiClient, path: str) -> tuple[Any, str]:
    """Give a document, and the version by which a change is refused if others were faster."""
    answer = client.request("GET", path)
    return answer.value, answer.headers.get("ETag", "*")


def _path(key: str | None, synced: bool) -> str:
    """Choose the document: as is said, or the only one that has such a key."""
    first = (key or "").partition(".")[0]
    return "/synced" if synced or first in SYNCED_KEYS else "/settings"


def _at(value: Any, key: str) -> Any:
    """Find what stands at a dotted key; in lists, items go by their id."""
    for name in key.split("."):
        if isinstance(value, list):
            value = next((each for each in value if _id(each) == name), ABSENT)
        else:
            value = value.get(name, ABSENT) if isinstance(value, dict) else ABSENT
    return value


def _id(item: object) -> str | None:
    return str(item.get("id")) if isinstance(item, dict) else None


def _leaves(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Give the values in a document that hold no others, each with its dotted key."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _leaves(inner, f"{place}.{name}" if place else name)
    elif (
        isinstance(value, list) and value and all(_id(each) not in (None, "None") for each in value)
    ):
        for each in value:
            yield from _leaves(each, f"{place}.{each['id']}")
    else:
        yield place, value


def _written(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _read(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text
