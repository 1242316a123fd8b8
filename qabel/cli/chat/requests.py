"""``qabel requests``: messages of people who are no contacts, and what to do with them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click
from click.shell_completion import CompletionItem

from qabel.cli.api_client import ApiClient
from qabel.cli.chat.conversation import other_side
from qabel.cli.completers import TIMEOUT
from qabel.cli.context import Group, Session, pass_session, session_of
from qabel.cli.errors import CommandError, not_found, usage_error
from qabel.cli.names import Names, identity_id, is_key
from qabel.cli.same_alias import warn_of_same_alias, warn_of_stranger
from qabel.cli.table import NAME_WIDTH, Column
from qabel.cli.text import beginning, short_key
from qabel.cli.units import moment

SHORTEST = 4
"""Characters of an id that are enough, if there is no other one that begins so."""


def _complete(ctx: click.Context, _: click.Parameter, typed: str) -> list[CompletionItem]:
    session = session_of(ctx)
    found: list[Mapping[str, Any]] = []
    for query in ({}, {"ignored": 1}):
        try:
            response = session.client.request("GET", "/chat/requests", query=query, timeout=TIMEOUT)
        except CommandError:
            return []
        found += response.value["requests"]
    return [
        CompletionItem(each["id"], help=f"from {other_side(each)}")
        for each in found
        if each["id"].startswith(typed)
    ]


REQUEST = click.argument("request", metavar="REQUEST", shell_complete=_complete)


@click.group(
    cls=Group,
    default="list",
    short_help="List messages of people who are no contacts; accept, ignore or block them.",
)
def requests() -> None:
    """Messages of people who are no contacts.

    REQUEST is the id of a request, or its beginning, the public key of its sender, or the name that
    the sender claims.
    """


@requests.command("list")
@click.option("--ignored", is_flag=True, help="List those that you ignore.")
@click.option(
    "--identity",
    "-i",
    metavar="IDENTITY",
    help="Those to this identity of yours only: alias, id or public key.",
)
@pass_session
def listed(session: Session, identity: str | None, *, ignored: bool) -> None:
    """List requests, newest first."""
    client = session.client
    found = _requests(client, ignored=ignored, identity=identity_id(client, identity))
    columns = [
        Column("ID", lambda each: each["id"][:8], stays=True),
        Column("CLAIMS TO BE", lambda each: each["alias"] or "-", lambda _: "bold", NAME_WIDTH),
        Column("KEY", lambda each: short_key(each["public_key"]), stays=True),
        Column("WHEN", lambda each: moment(each["last"]["received"]), lambda _: "dim", stays=True),
        Column("MESSAGES", lambda each: each["unread"]),
        Column("LAST MESSAGE", lambda each: beginning(each["last"]["text"])),
    ]
    names = Names(client)
    if not session.out.json and names.has_many_identities:
        to = Column("TO", lambda each: names.identity(each["identity_id"]), None, NAME_WIDTH)
        columns.insert(3, to)
    session.out.rows(found, columns, "Nobody is ignored" if ignored else "No requests")
    for each in found:
        warn_of_stranger(session, each)
    if found and not ignored:
        session.out.hint("To answer: qabel requests accept ID, or ignore, or block")


@requests.command("accept")
@REQUEST
@click.option("--alias", metavar="ALIAS", help="Your name for the contact. [default: its own]")
@pass_session
def accept(session: Session, request: str, alias: str | None) -> None:
    """Make a contact of the sender of a request.

    The messages prove that their sender has the key, but only you can tell whose key that is: see
    qabel contact verify.
    """
    found = _find(session.client, request)
    added = session.client.post(f"/chat/requests/{found['id']}/accept", {"alias": alias})
    number = added["contact_id"]
    session.out.done(f"Added {added['alias']} (id {number}).", added)
    warn_of_same_alias(session, session.client.get(f"/contacts/{number}"))
    session.out.note(f"To be sure who it is: qabel contact verify id:{number}")
    session.out.note(f"To answer: qabel chat id:{number}")


@requests.command("ignore")
@REQUEST
@pass_session
def ignore(session: Session, request: str) -> None:
    """Hide what the sender of a request writes, from now on too."""
    found = _find(session.client, request)
    session.client.post(f"/chat/requests/{found['id']}/ignore")
    session.out.done(f"Ignored {other_side(found)}.", {**found, "ignored": True})


@requests.command("block")
@REQUEST
@pass_session
def block(session: Session, request: str) -> None:
    """Pass over all messages of the sender of a request, to all your identities.

    To undo it, pass the sender's public key to qabel contact unblock.
    """
    found = _find(session.client, request)
    session.client.post(f"/chat/requests/{found['id']}/block")
    session.out.done(f"Blocked {other_side(found)}.", {**found, "blocked": True})


def _requests(client: ApiClient, *, ignored: bool, identity: str | None = None) -> list[Any]:
    query = {"ignored": 1} if ignored else {}
    found: list[Any] = client.get("/chat/requests", identity=identity, **query)["requests"]
    return found


def _find(client: ApiClient, ref: str) -> Mapping[str, Any]:
    """Return a request. Raises CommandError."""
    every = [*_requests(client, ignored=False), *_requests(client, ignored=True)]
    found = list(matching(every, ref))
    if not found:
        raise not_found(f"No such request: {ref!r}", "Run: qabel requests")
    if len(found) > 1:
        ids = ", ".join(f"{each['id'][:8]} ({short_key(each['public_key'])})" for each in found)
        raise usage_error(f"{ref!r} is ambiguous: {ids}", "Use the id")
    return found[0]


def matching(every: Sequence[Mapping[str, Any]], ref: str) -> Iterator[Mapping[str, Any]]:
    """Yield the requests that may be meant: by id, or else by key, or else by name."""
    by_id = [each for each in every if len(ref) >= SHORTEST and each["id"].startswith(ref.lower())]
    by_key = [each for each in every if is_key(ref) and each["public_key"] == ref.lower()]
    name = ref.strip().casefold()
    by_name = [each for each in every if str(each["alias"] or "").strip().casefold() == name]
    yield from by_id or by_key or by_name
