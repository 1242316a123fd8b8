"""``qabel inbox``: received messages."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from qabel.cli.api_client import TIMEOUT, ApiResponse
from qabel.cli.context import Group, Session, pass_session
from qabel.cli.errors import usage_error
from qabel.cli.introductions import introduced_as, note_on, notes_on
from qabel.cli.message_text import text_of
from qabel.cli.names import Names, find_contact, find_identity
from qabel.cli.newest import cut_note, newest
from qabel.cli.parameters import YES
from qabel.cli.table import NAME_WIDTH, Column
from qabel.cli.units import moment

PAGE = 1000
"""Messages in one response."""

NEWEST = 50
"""The default of --limit."""

CONSUMER = "cli"
"""The default of --consumer: the reader whose cursor --new moves."""

_NONE = "No messages. To wait for some: qabel follow. What you sent: qabel outbox"
_NO_NEW = "No new messages"
_HINT = "To answer: qabel send CONTACT TEXT. What you sent: qabel outbox"

_CONDITIONS = ("identity", "contact", "model_object")

Message = Mapping[str, Any]
MESSAGE_ID = click.argument("message_id", metavar="ID", type=click.IntRange(min=0))


@click.group(cls=Group, default="list", short_help="List, show and delete received messages.")
def inbox() -> None:
    """Received messages. They are kept until you delete them.

    Without a command, the newest ones are listed: see qabel inbox list --help.
    """


@inbox.command("list")
@click.option(
    "--from",
    "contact",
    metavar="CONTACT",
    help="Only messages from this contact.",
)
@click.option(
    "--to",
    "identity",
    metavar="IDENTITY",
    help="Only messages to this one of your identities.",
)
@click.option("--model-object", metavar="NAME", help="Only messages of this kind.")
@click.option(
    "--limit",
    "-n",
    metavar="NUMBER",
    type=click.IntRange(min=1),
    default=NEWEST,
    show_default=True,
    help="Number of messages: the newest, or with --new the oldest.",
)
@click.option("--all", "everything", is_flag=True, help="All messages.")
@click.option("--new", is_flag=True, help="Only messages that --new has not listed before.")
@click.option(
    "--consumer",
    metavar="NAME",
    help=f"With --new: the reader's name. Each has its own cursor. [default: {CONSUMER}]",
)
@click.option(
    "--wait",
    metavar="SECONDS",
    type=click.FloatRange(0, 60),
    help="With --new: wait for a message, at most this long.",
)
@click.option("--poll", is_flag=True, help="Read the drops first.")
@pass_session
def listed(
    session: Session,
    contact: str | None,
    identity: str | None,
    model_object: str | None,
    limit: int,
    consumer: str | None,
    wait: float | None,
    *,
    everything: bool,
    new: bool,
    poll: bool,
) -> None:
    """List messages, oldest first.

    --new moves the consumer's cursor past the messages that it lists, once they have been written:
    after a crash they are listed again.
    """
    if not new and (consumer is not None or wait is not None):
        raise usage_error("--consumer and --wait require --new", "See qabel inbox list --help")
    query: dict[str, object] = {"model_object": model_object}
    if contact is not None:
        query["contact"] = find_contact(session.client, contact, identity, option="--to")["id"]
    if identity is not None:
        query["identity"] = find_identity(session.client, identity)["id"]
    headers = {"Cache-Control": "no-cache"} if poll else {}
    count = None if everything else limit
    with session.out.progress("reading the inbox"):
        if new:
            query |= {"consumer": consumer or CONSUMER, "wait": wait, "limit": count or 10_000}
            found, upto = _new(session, query, headers)
            total = len(found)
        else:
            (found, total), upto = newest(_pages(session, query, headers), count), None
    _show_list(session, found, total, _NO_NEW if new else _NONE)
    if found and upto is not None:
        # Only what has left this process is not new any more.
        session.out.flush()
        reader = {name: query[name] for name in ("consumer", *_CONDITIONS) if name in query}
        session.client.post("/drop/ack", {"upto": upto}, **reader)


def _show_list(session: Session, found: Sequence[Message], total: int, empty: str) -> None:
    """Print messages, and notes on what they may lead to."""
    names = Names(session.client)
    session.out.rows(found, _columns(names, found), empty)
    for note in [] if session.out.json else notes_on(found, names):
        session.out.note(note)
    session.out.note(cut_note(len(found), total))
    if found:
        session.out.hint(_HINT)


@inbox.command("show")
@MESSAGE_ID
@pass_session
def show(session: Session, message_id: int) -> None:
    """Show a message in full."""
    message = session.client.get(f"/drop/{message_id}")
    names = Names(session.client)
    fields = [
        ("From", f"{names.sender(message)}  {message['sender']}"),
        ("To", names.identity(message["identity_id"])),
        ("Sent", moment(message["time_stamp"])),
        ("Received", moment(message["received"])),
        ("Kind", message["model_object"]),
        ("Text", text_of(message)),
    ]
    name = introduced_as(message)
    if name is not None and name != names.sender(message):
        fields.insert(1, ("Introduced as", name))
    session.out.record(message, fields)
    session.out.note(note_on(message, names) or "")
    if message["contact_id"] is not None:
        session.out.hint(f"To answer: qabel send id:{message['contact_id']} TEXT")


@inbox.command("delete")
@MESSAGE_ID
@YES
@pass_session
def delete(session: Session, message_id: int, *, yes: bool) -> None:
    """Delete a message permanently."""
    session.confirm(f"Delete message {message_id}?", yes=yes)
    session.client.delete(f"/drop/{message_id}")
    session.out.done(f"Deleted message {message_id}.", {"id": message_id, "deleted": True})


def _pages(
    session: Session, query: Mapping[str, object], headers: Mapping[str, str]
) -> Iterator[Message]:
    """Yield all messages, page by page; no consumer's cursor is moved."""
    cursor, page_headers = "0", headers
    while True:
        response = session.client.request(
            "GET",
            "/drop",
            query={**query, "since": cursor, "limit": PAGE},
            headers=page_headers,
            timeout=3 * TIMEOUT,
        )
        if response.status == 204:
            return
        _note_damage(session, response)
        yield from response.value
        cursor, page_headers = response.headers["X-Qabel-Latest"], {}


def _new(
    session: Session, query: Mapping[str, object], headers: Mapping[str, str]
) -> tuple[Sequence[Message], str]:
    """Return the messages after the consumer's cursor, and the cursor of the last one."""
    wait = query.get("wait")
    timeout = TIMEOUT + (wait if isinstance(wait, float) else 0)
    query = {**query, "hold": "1"}
    response = session.client.request("GET", "/drop", query=query, headers=headers, timeout=timeout)
    _note_damage(session, response)
    found = [] if response.status == 204 else response.value
    return found, response.headers["X-Qabel-Latest"]


def _note_damage(session: Session, response: ApiResponse) -> None:
    damaged = response.headers.get("X-Qabel-Damaged")
    if damaged:
        session.out.note(f"damaged, cannot be read: {damaged}; see qabel status")


def _columns(names: Names, messages: Sequence[Message]) -> list[Column]:
    columns = [
        Column("ID", lambda each: each["id"], stays=True),
        Column("RECEIVED", lambda each: moment(each["received"]), lambda _: "dim", stays=True),
        Column("FROM", names.sender, _sender_style, NAME_WIDTH),
        Column("TEXT", text_of),
    ]
    if len({each["identity_id"] for each in messages}) > 1:
        receiver = Column("TO", lambda each: names.identity(each["identity_id"]), None, NAME_WIDTH)
        columns.insert(3, receiver)
    return columns


def _sender_style(message: Message) -> str:
    return "dim" if message["contact_id"] is None else "bold"
