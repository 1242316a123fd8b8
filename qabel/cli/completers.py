"""The values that a shell is offered, by what they are called in the help of their command.

They come from the running daemon, if there is one that answers soon; otherwise, there are none.
Nothing secret is offered: no keys, drop URLs or texts of messages.
"""

import json
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import click
from click.shell_completion import CompletionItem

from qabel.cli.api_client import ApiResponse
from qabel.cli.context import session_of
from qabel.cli.errors import CommandError
from qabel.cli.units import moment

TIMEOUT = 1.0
"""Seconds without a byte from the daemon after which nothing is offered."""

MOST = 200
"""Messages, sends or keys that are offered."""

PAGE = 1000
"""Messages or sends in one response."""

BY_ID, BY_NAME = "id:", "name:"

KEY_PLACES = {
    "file": "database-key in the data directory",
    "file:": "another file",
    "keyring": "the desktop's keyring",
    "passphrase-file:": "a passphrase in a file",
    "passphrase-fd:": "a passphrase from a file descriptor",
    "credential:": "a passphrase from a systemd credential",
}
"""Where a database key can be, and what that means. What ends in a colon goes on."""

SYNCED_LISTS = (
    "accounts",
    "contacts",
    "drop_servers",
    "identities",
    "storage_servers",
    "storage_volumes",
)

Completer = Callable[[click.Context, str], Iterable[CompletionItem]]


def people_from(path: str) -> Completer:
    """Return the completer of identities or contacts: by alias, and by id once that is begun."""

    def complete(ctx: click.Context, typed: str) -> Iterator[CompletionItem]:
        people = [each for each in _get(ctx, path) or () if isinstance(each, dict)]
        names = Counter(str(each["alias"]) for each in people)
        by_id = typed.startswith(BY_ID) or typed.isdecimal()
        prefix = BY_ID if typed.startswith(BY_ID) else ""
        for each in people if by_id else ():
            yield CompletionItem(f"{prefix}{each['id']}", help=_shown(each["alias"]))
        for name, number in sorted(names.items()):
            # A line break in an alias would start another suggestion.
            if name.isprintable() and name.strip():
                is_like_id = name.isdecimal() or name.startswith((BY_ID, BY_NAME))
                begin = BY_NAME if is_like_id or typed.startswith(BY_NAME) else ""
                yield CompletionItem(begin + name, help=f"{number} of that name" * (number > 1))

    return complete


def messages(ctx: click.Context, _: str) -> Iterator[CompletionItem]:
    """Yield the ids of the newest messages, with their senders and times."""
    aliases = {each["id"]: each["alias"] for each in _get(ctx, "/contacts") or ()}
    for each in reversed(_newest(ctx, "/drop", "since")):
        sender = aliases.get(each["contact_id"], "somebody unknown")
        yield CompletionItem(str(each["id"]), help=f"from {sender}, {moment(each['received'])}")


def sends(ctx: click.Context, _: str) -> Iterator[CompletionItem]:
    """Yield the ids of the newest sends, with their times."""
    for each in reversed(_newest(ctx, "/outbox", "after")):
        yield CompletionItem(str(each["id"]), help=moment(each["created"]))


def tokens(ctx: click.Context, _: str) -> Iterator[CompletionItem]:
    """Yield the ids of tokens, with their names."""
    for each in _get(ctx, "/tokens") or ():
        yield CompletionItem(str(each["id"]), help=_shown(each["name"]))


def servers(ctx: click.Context, typed: str) -> Iterator[CompletionItem]:
    """Yield the URLs of drop servers, and once a digit is typed their ids."""
    for each in _get(ctx, "/servers") or ():
        if typed.isdecimal():
            yield CompletionItem(str(each["id"]), help=each["url"])
        yield CompletionItem(str(each["url"]))


def setting_keys(ctx: click.Context, typed: str) -> Iterator[CompletionItem]:
    """Yield the keys of the local settings, and of a list of the synced ones once it is named."""
    is_synced = bool(ctx.params.get("synced")) or typed.startswith(SYNCED_LISTS)
    if not is_synced:
        yield from map(CompletionItem, _keys(_get(ctx, "/settings")))
    for name in SYNCED_LISTS:
        yield CompletionItem(name)
    if is_synced:
        keys = (each for each in _keys(_get(ctx, "/synced")) if each.startswith(typed))
        for _, key in zip(range(MOST), keys, strict=False):
            yield CompletionItem(key)


def setting_values(ctx: click.Context, _: str) -> Iterator[CompletionItem]:
    """Yield the values that a local setting can have, if they are few, and the one that it has."""
    names = str(ctx.params.get("key") or "").split(".")
    openapi, value = _get(ctx, "/openapi.json"), _get(ctx, "/settings")
    schema = _schema(openapi, "#/components/schemas/LocalSettings")
    for name in names:
        schema = _member(schema, ["properties", name])
        schema = _schema(openapi, _member(schema, ["$ref"])) or schema
        value = _member(value, [name])
    if schema and isinstance(value, bool | int | float | str | None):
        text = value if isinstance(value, str) else json.dumps(value)
        yield CompletionItem(text, help="the value now")
    for each in _values(schema):
        yield CompletionItem(each)


def key_places(_: click.Context, typed: str) -> Iterator[CompletionItem]:
    """Yield where a database key can be; after the name of a place with a path, a file."""
    for place in ("file:", "passphrase-file:"):
        if typed.startswith(place):
            yield CompletionItem(place, type="file")
            return
    for place, meaning in KEY_PLACES.items():
        yield CompletionItem(place, type="open" if place.endswith(":") else "plain", help=meaning)


def files(_: click.Context, __: str) -> Iterator[CompletionItem]:
    """Yield the instruction to complete the name of a file."""
    yield CompletionItem("", type="file")


def directories(_: click.Context, __: str) -> Iterator[CompletionItem]:
    """Yield the instruction to complete the name of a directory."""
    yield CompletionItem("", type="dir")


def nothing(_: click.Context, __: str) -> Iterator[CompletionItem]:
    """Yield nothing: only the user knows the value."""
    yield from ()


COMPLETERS: Mapping[str, Completer] = {
    "IDENTITY": people_from("/identities"),
    "CONTACT": people_from("/contacts"),
    "DIR": directories,
    "FILE": files,
    "BACKUP": files,
    "ID|URL": servers,
    "inbox ID": messages,
    "contact MESSAGE": messages,
    "outbox ID": sends,
    "token ID": tokens,
    "salvage NEW": directories,
    "send KEY": nothing,
    "settings KEY": setting_keys,
    "settings VALUE": setting_values,
    "KEY": key_places,
}
"""Completers by the name of the value in the help, if need be after the name of the group."""


def completer_of(group: str, parameter: click.Parameter) -> Completer | None:
    """Return what completes a parameter of a command in a group; None if nothing does."""
    name = (parameter.metavar or parameter.name or "").upper().strip("[].")
    return COMPLETERS.get(f"{group} {name}", COMPLETERS.get(name))


def _newest(ctx: click.Context, path: str, after: str) -> Sequence[Mapping[str, Any]]:
    """Return the newest items of a list that is read page by page, oldest first."""
    newest: deque[Mapping[str, Any]] = deque(maxlen=MOST)
    position = "0"
    while response := _request(ctx, path, **{after: position, "limit": PAGE}):
        newest.extend(response.value or ())
        if response.value is None or len(response.value) < PAGE:
            break
        position = response.headers.get("X-Qabel-Latest") or str(newest[-1]["id"])
    return newest


def _request(ctx: click.Context, path: str, **query: object) -> ApiResponse | None:
    """Return the response of the daemon; None if it is not there, or refuses."""
    try:
        return session_of(ctx).client.request("GET", path, query=query, timeout=TIMEOUT)
    except CommandError:
        return None


def _get(ctx: click.Context, path: str) -> Any:
    """Return what the daemon has at a path; None if it does not answer so."""
    response = _request(ctx, path)
    return None if response is None else response.value


def _shown(name: object) -> str:
    text = str(name)
    return text if text.isprintable() else ""


def _keys(value: object, key: str = "") -> Iterator[str]:
    """Yield the dotted keys of a document; items of lists go by their id."""
    if isinstance(value, list):
        value = {str(each["id"]): each for each in value if isinstance(each, dict) and "id" in each}
    if key:
        yield key
    for name, inner in value.items() if isinstance(value, dict) else ():
        yield from _keys(inner, f"{key}.{name}" if key else name)


def _member(value: object, names: Iterable[str]) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _schema(openapi: object, reference: object) -> Any:
    """Return the schema to which a reference leads: ``#/components/schemas/…``; or None."""
    if not isinstance(reference, str):
        return None
    return _member(openapi, reference.removeprefix("#/").split("/"))


def _values(schema: object) -> Iterator[str]:
    """Yield the values that a schema enumerates, as they are written on the command line."""
    kinds = _member(schema, ["type"])
    for each in _member(schema, ["enum"]) or ():
        yield each if isinstance(each, str) else json.dumps(each)
    for inner in _member(schema, ["anyOf"]) or ():
        yield from _values(inner)
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        yield from {"boolean": ("true", "false"), "null": ("null",)}.get(str(kind), ())
