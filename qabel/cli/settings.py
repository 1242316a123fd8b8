"""``qabel settings``: the two settings documents of the daemon."""

import json
import re
from collections.abc import Iterator
from typing import Any

import click

from qabel.cli.api_client import ApiClient
from qabel.cli.context import Group, Session, pass_session
from qabel.cli.errors import CommandError, not_found
from qabel.cli.setting_texts import explain

SECRETS = re.compile(r"(^|\.)(private_key|auth|token|revoke_token)$")
"""Keys whose values are shown only on request."""

HIDDEN = "(hidden; to see it, pass the key or --secrets)"

ABSENT = object()
"""The value of a key that does not exist."""

SYNCED_KEYS = (
    "accounts",
    "drop_servers",
    "storage_servers",
    "storage_volumes",
    "identities",
    "contacts",
)

SYNCED = click.option(
    "--synced",
    is_flag=True,
    help="Use the synced settings: accounts, servers, identities, contacts.",
)


@click.group(cls=Group, short_help="Show and change the settings of the daemon.")
def settings() -> None:
    """Show and change the settings of the daemon.

    A KEY is a dotted path, such as module_data.chat.sound. Items of lists are named by their id:
    drop_servers.3.active.
    """


@settings.command("get")
@click.argument("key", required=False)
@SYNCED
@click.option("--secrets", is_flag=True, help="Show private keys and passwords too.")
@pass_session
def get(session: Session, key: str | None, *, synced: bool, secrets: bool) -> None:
    """Show all settings, or the value of KEY.

    Without KEY, private keys and passwords are hidden. With --json, everything is shown, so that
    the output can be saved and set again.
    """
    document = session.client.get(_path(key, synced))
    value = document if key is None else _value_at(document, key)
    if value is ABSENT:
        raise not_found(f"No such setting: {key}", "Run: qabel settings get")
    if session.out.json:
        session.out.value(value)
    elif key is not None and not isinstance(value, dict | list):
        session.out.line(value if isinstance(value, str) else json.dumps(value), lines=True)
        session.out.note(explain(key, value))
    else:
        for name, leaf in _leaves(value, key or ""):
            hidden = SECRETS.search(name) and leaf and not secrets
            session.out.line(f"{name} = {HIDDEN}" if hidden else _assignment(name, leaf))
            meaning = explain(name, leaf)
            if meaning:
                session.out.line(f"  # {meaning}", "dim")


@settings.command("set")
@click.argument("key")
@click.argument("value")
@SYNCED
@pass_session
def change(session: Session, key: str, value: str, *, synced: bool) -> None:
    """Set the value of KEY. The change takes effect at once.

    VALUE is JSON; anything that is not JSON is a string. So 5 is a number, and '"5"' is a string.
    """
    path = _path(key, synced)
    try:
        document = session.client.put(path, {"key": key, "value": _parse(value)})
    except CommandError as error:
        if error.http_status == 405:
            option = " --synced" if path == "/synced" else ""
            error.hint = f"Run: qabel settings get{option}"
        raise
    new = _value_at(document, key)
    if session.out.json:
        session.out.value(None if new is ABSENT else new)
    elif SECRETS.search(key) or isinstance(new, dict | list):
        session.out.line(f"{key} is set.")
    else:
        session.out.line(_assignment(key, new))
        session.out.note(explain(key, new))


def get_versioned(client: ApiClient, path: str) -> tuple[Any, str]:
    """Return a document and its version, with which a change is rejected if it is outdated."""
    response = client.request("GET", path)
    return response.value, response.headers.get("ETag", "*")


def _path(key: str | None, synced: bool) -> str:
    """Return the path of the document: the one that was chosen, or the one that has the key."""
    first = (key or "").partition(".")[0]
    return "/synced" if synced or first in SYNCED_KEYS else "/settings"


def _value_at(value: Any, key: str) -> Any:
    """Return the value at a dotted key, ABSENT if there is none; list items go by their id."""
    for name in key.split("."):
        if isinstance(value, list):
            value = next((each for each in value if _id(each) == name), ABSENT)
        else:
            value = value.get(name, ABSENT) if isinstance(value, dict) else ABSENT
    return value


def _id(item: object) -> str | None:
    return str(item.get("id")) if isinstance(item, dict) else None


def _leaves(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    """Yield the values in a document that contain no other values, with their dotted keys."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _leaves(inner, f"{key}.{name}" if key else name)
    elif (
        isinstance(value, list) and value and all(_id(each) not in (None, "None") for each in value)
    ):
        for each in value:
            yield from _leaves(each, f"{key}.{each['id']}")
    else:
        yield key, value


def _assignment(key: str, value: object) -> str:
    return f"{key} = {json.dumps(value, ensure_ascii=False)}"


def _parse(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text
