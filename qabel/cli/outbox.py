"""``qabel outbox``: sent messages, and whether they have arrived."""

from collections.abc import Iterator, Mapping
from typing import Any

import click

from qabel.cli.api_client import ApiClient
from qabel.cli.context import Group, Session, pass_session
from qabel.cli.message_text import text_of
from qabel.cli.names import Names
from qabel.cli.newest import cut_note, newest
from qabel.cli.parameters import YES
from qabel.cli.table import NAME_WIDTH, Column
from qabel.cli.units import moment

PAGE = 500
"""Messages in one response."""

NEWEST = 50
"""The default of --limit."""

_NONE = "No messages. To send one: qabel send CONTACT TEXT. What you received: qabel inbox"
_HINT = "Details: qabel outbox show ID. What you received: qabel inbox"

_STYLES = {"sent": "green", "acknowledged": "green", "failed": "red", "queued": "yellow"}

SEND_ID = click.argument("send_id", metavar="ID", type=click.IntRange(min=0))


@click.group(cls=Group, default="list", short_help="List, show and delete sent messages.")
def outbox() -> None:
    """Sent messages, and whether they have arrived.

    Without a command, the newest ones are listed: see qabel outbox list --help.
    """


@outbox.command("list")
@click.option(
    "--limit",
    "-n",
    metavar="NUMBER",
    type=click.IntRange(min=1),
    default=NEWEST,
    show_default=True,
    help="Number of messages, the newest.",
)
@click.option("--all", "everything", is_flag=True, help="All messages.")
@click.option("--waiting", is_flag=True, help="Only messages that are still to be sent.")
@pass_session
def listed(session: Session, limit: int, *, everything: bool, waiting: bool) -> None:
    """List sent messages, oldest first."""
    with session.out.progress("reading the outbox"):
        found = (each for each in _pages(session.client) if not waiting or _state(each) == "queued")
        chosen, total = newest(found, None if everything else limit)
    names = Names(session.client)
    columns = [
        Column("ID", lambda each: each["id"], stays=True),
        Column("CREATED", lambda each: moment(each["created"]), lambda _: "dim", stays=True),
        Column("TO", lambda each: _recipients(each, names), lambda _: "bold", NAME_WIDTH),
        Column("STATE", _state, lambda each: _STYLES.get(_state(each), ""), stays=True),
        Column("TEXT", lambda each: text_of(each["message"] or {})),
    ]
    if waiting:
        columns[-1:] = [Column("REASON", _reason)]
    session.out.rows(chosen, columns, "No messages are waiting" if waiting else _NONE)
    session.out.note(cut_note(len(chosen), total))
    if chosen:
        session.out.hint(_HINT)


@outbox.command("show")
@SEND_ID
@pass_session
def show(session: Session, send_id: int) -> None:
    """Show a message, and its state for each recipient."""
    found = session.client.get(f"/outbox/{send_id}")
    names = Names(session.client)
    fields: list[tuple[str, object]] = [
        ("From", names.identity(found["identity_id"])),
        ("Created", moment(found["created"])),
        ("Kind", found["model_object"]),
        ("Text", text_of(found["message"] or {})),
    ]
    for each in found["recipients"]:
        fields.append(("To", names.contact(each["contact_id"], each["recipient"])))
        fields.extend((f"  {name}", value) for name, value in _delivery(each))
    session.out.record(found, fields)


@outbox.command("delete")
@SEND_ID
@YES
@pass_session
def delete(session: Session, send_id: int, *, yes: bool) -> None:
    """Delete a message. If it has not been sent yet, it never will be."""
    session.confirm(f"Delete message {send_id} from the outbox?", yes=yes)
    session.client.delete(f"/outbox/{send_id}")
    session.out.done(
        f"Deleted message {send_id} from the outbox.", {"id": send_id, "deleted": True}
    )


def _pages(client: ApiClient) -> Iterator[Mapping[str, Any]]:
    """Yield all sent messages, page by page."""
    after = 0
    while page := client.get("/outbox", after=after, limit=PAGE):
        yield from page
        after = page[-1]["id"]


def _delivery(recipient: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """Yield the names and values that describe the delivery to one recipient."""
    yield "State", recipient["state"]
    if recipient["reason"]:
        yield "Reason", recipient["reason"]
    if recipient["acknowledged"]:
        yield "Acknowledged", moment(recipient["acknowledged"])
    if recipient["state"] == "queued":
        yield "Attempts", recipient["attempts"]
        yield "Next attempt", moment(recipient["next_attempt"])


def _recipients(send: Mapping[str, Any], names: Names) -> str:
    shown = [names.contact(each["contact_id"], each["recipient"]) for each in send["recipients"]]
    return ", ".join(shown[:3]) + (f" and {len(shown) - 3} more" if len(shown) > 3 else "")


def _reason(send: Mapping[str, Any]) -> str:
    """Return why the first recipient that waits has to wait."""
    waiting = (each for each in send["recipients"] if each["state"] == "queued")
    return str(next(waiting)["reason"])


def _state(send: Mapping[str, Any]) -> str:
    """Return the worst state of all recipients."""
    states = {each["state"] for each in send["recipients"]}
    for state in ("failed", "queued"):
        if state in states:
            return state
    acknowledged = all(each["acknowledged"] for each in send["recipients"])
    return "acknowledged" if acknowledged else "sent"
