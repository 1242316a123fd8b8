"""``qabel inbox``: what was received."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from qabel.cli.api_client import TIMEOUT, ApiClient
from qabel.cli.context import Group, Session, pass_session
from qabel.cli.errors import usage_error
from qabel.cli.identity import YES
from qabel.cli.message_text import text_of
from qabel.cli.names import Names, complete_contact, complete_identity, find_contact, find_identity
from qabel.cli.table import NAME_WIDTH, Column
from qabel.cli.units import moment

PAGE = 1000
"""Messages asked for at once."""

NEWEST = 50
"""Messages shown, if it is not said how many."""

CONSUMER = "cli"
"""The reader whose place in the inbox is moved by --new, if no other is named."""

Message = Mapping[str, Any]
MESSAGE_ID = click.argument("message_id", metavar="ID", type=click.IntRange(min=0))


@click.group(cls=Group, listed="list", short_help="Read the messages that came in.")
def inbox() -> None:
    """Messages that were received. They stay until you delete them.

    Without another command it lists the newest ones: see qabel inbox list --help.
    """


@inbox.command("list")
@click.option(
    "--from",
    "contact",
    metavar="CONTACT",
    shell_complete=complete_contact,
    help="Only from this contact.",
)
@click.option(
    "--to",
    "identity",
    metavar="IDENTITY",
    shell_complete=complete_identity,
    help="Only to this one of your identities.",
)
@click.option("--model-object", metavar="NAME", help="Only messages of this kind.")
@click.option(
    "--limit",
    "-n",
    type=click.IntRange(min=1),
    default=NEWEST,
    show_default=True,
    help="So many, the newest; with --new the oldest.",
)
@click.option("--all", "everything", is_flag=True, help="All messages.")
@click.option("--new", is_flag=True, help="Only what was not shown by --new before.")
@click.option(
    "--consumer",
    metavar="NAME",
    help=f"Who reads: each has a place of its own for --new. [{CONSUMER}]",
)
@click.option(
    "--wait",
    metavar="SECONDS",
    type=click.FloatRange(0, 60),
    help="With --new: wait so long for something new, 60 at most.",
)
@click.option("--poll", is_flag=True, help="Have the daemon ask the drop servers first.")
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

    --new shows what is new, and moves the consumer's place once it has been handed over. Programs
    that must not lose a message, whatever crashes, take qabel follow --resume.
    """
    if not new and (consumer is not None or wait is not None):
        raise usage_error("--consumer and --wait are for --new", "see qabel inbox list --help")
    query: dict[str, object] = {"model_object": model_object}
    if contact is not None:
        query["contact"] = find_contact(session.client, contact, identity)["id"]
    if identity is not None:
        query["identity"] = find_identity(session.client, identity)["id"]
    headers = {"Cache-Control": "no-cache"} if poll else {}
    most = None if everything else limit
    with session.out.progress("reading the inbox"):
        if new:
            query |= {"consumer": consumer or CONSUMER, "wait": wait, "limit": most or 10_000}
            found = _new(session.client, query, headers)
        else:
            found = list(deque(_pages(session.client, query, headers), maxlen=most))
    session.out.rows(
        found, _columns(session.client, found), "Nothing new" if new else "No messages"
    )


@inbox.command("show")
@MESSAGE_ID
@pass_session
def show(session: Session, message_id: int) -> None:
    """Show one message in full."""
    message = session.client.get(f"/drop/{message_id}")
    names = Names(session.client)
    fields = [
        ("From", f"{names.sender(message)}  {message['sender']}"),
        ("To", names.identity(message["identity_id"])),
        ("Written", moment(message["time_stamp"])),
        ("Received", moment(message["received"])),
        ("Kind", message["model_object"]),
        ("Text", text_of(message)),
    ]
    session.out.record(message, fields)


@inbox.command("delete")
@MESSAGE_ID
@YES
@pass_session
def delete(session: Session, message_id: int, *, yes: bool) -> None:
    """Delete a message for good."""
    session.confirm(f"Delete message {message_id}?", yes=yes)
    session.client.delete(f"/drop/{message_id}")
    session.out.done(f"Deleted message {message_id}.", {"id": message_id, "deleted": True})


def _pages(
    client: ApiClient, query: Mapping[str, object], headers: Mapping[str, str]
) -> Iterator[Message]:
    """Give all messages, page by page; nobody's place is moved."""
    place, more = "0", headers
    while True:
        asked = {**query, "since": place, "limit": PAGE}
        answer = client.request("GET", "/drop", query=asked, headers=more, timeout=3 * TIMEOUT)
        if answer.status == 204:
            return
        yield from answer.value
        place, more = answer.headers["X-Qabel-Latest"], {}


def _new(
    client: ApiClient, query: Mapping[str, object], headers: Mapping[str, str]
) -> Sequence[Message]:
    wait = query.get("wait")
    silence = TIMEOUT + (wait if isinstance(wait, float) else 0)
    answer = client.request("GET", "/drop", query=query, headers=headers, timeout=silence)
    return [] if answer.status == 204 else answer.value


def _columns(client: ApiClient, messages: Sequence[Message]) -> list[Column]:
    names = Names(client)
    columns = [
        Column("ID", lambda each: each["id"]),
        Column("RECEIVED", lambda each: moment(each["received"]), lambda _: "dim"),
        Column("FROM", names.sender, _sender_style, NAME_WIDTH),
        Column("TEXT", text_of),
    ]
    if len({each["identity_id"] for each in messages}) > 1:
        receiver = Column("TO", lambda each: names.identity(each["identity_id"]), None, NAME_WIDTH)
        columns.insert(3, receiver)
    return columns


def _sender_style(message: Message) -> str:
    return "dim" if message["contact_id"] is None else "bold"
