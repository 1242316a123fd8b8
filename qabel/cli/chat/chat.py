"""``qabel chat``: conversations, and one of them as it goes on."""

import os
import sys
from collections.abc import Mapping
from typing import Any

import click

from qabel.cli.chat.conversation import find_conversation, other_side
from qabel.cli.chat.plain_view import show_plain
from qabel.cli.context import Command, Session, pass_session
from qabel.cli.errors import usage_error
from qabel.cli.names import Names, identity_id
from qabel.cli.table import NAME_WIDTH, Column
from qabel.cli.text import beginning
from qabel.cli.units import count, moment

HISTORY = 20
"""Messages that are shown at first; the live view shows as many as fit."""

MOST_HISTORY = 1000

_EXAMPLES = """
\b
Examples:
  qabel chat
  qabel chat Bob
  qabel chat --notes
  printf 'Hello\\nHow are you?\\n' | qabel chat Bob
"""


@click.command(cls=Command, epilog=_EXAMPLES, short_help="List conversations, or have one.")
@click.argument("contact", metavar="[CONTACT]", required=False)
@click.option(
    "--identity",
    "-i",
    metavar="IDENTITY",
    help="Your identity that has the conversation, if you have several: alias, id or public key.",
)
@click.option("--notes", is_flag=True, help="Your notes to yourself, as CONTACT.")
@click.option("--archived", is_flag=True, help="List archived conversations too.")
@click.option(
    "--limit",
    "-n",
    metavar="NUMBER",
    type=click.IntRange(0, MOST_HISTORY),
    default=HISTORY,
    show_default=True,
    help="Number of messages to begin with, the newest.",
)
@pass_session
def chat(
    session: Session,
    contact: str | None,
    identity: str | None,
    limit: int,
    *,
    notes: bool,
    archived: bool,
) -> None:
    """List your conversations, or write with CONTACT: an alias, an id or a public key.

    On a terminal, messages appear as they arrive, and beside your own what has become of them:
    queued, sent, acknowledged or failed. What you type is sent with Enter. Alt-Enter begins a new
    line, PageUp shows earlier messages, and Ctrl-D ends: what is in the line is there again next
    time. What was shown counts as read; the other side is not told that.

    Without a terminal, or with --json, the newest messages are printed, and each line of standard
    input is sent as a message. Until that ends, what arrives is printed too.
    """
    if contact is None and not notes:
        _list(session, identity, archived=archived)
        return
    if contact is not None and notes:
        raise usage_error("Pass either CONTACT or --notes, not both")
    found = find_conversation(session.client, contact, identity, notes=notes)
    is_typed, is_seen = sys.stdin.isatty(), session.out.out.isatty()
    is_dumb = os.environ.get("TERM", "dumb") == "dumb"
    if is_typed and is_seen and not is_dumb and not session.out.json:
        from qabel.cli.chat.live_view import show_live  # noqa: PLC0415 - importing it takes long

        show_live(session, found, limit or 1)
    else:
        show_plain(session, found, limit, reads=not is_typed or (is_dumb and is_seen))


def _list(session: Session, identity: str | None, *, archived: bool) -> None:
    client = session.client
    path = "/chat/conversations"
    listed = client.get(path, identity=identity_id(client, identity))["conversations"]
    shown = [each for each in listed if archived or not each["archived"]]
    columns = [
        Column("ALIAS", other_side, lambda _: "bold", NAME_WIDTH),
        Column("UNREAD", lambda each: each["unread"] or "-", _unread_style, stays=True),
        Column("WHEN", _when, lambda _: "dim", stays=True),
        Column("LAST MESSAGE", _last),
    ]
    names = Names(client)
    if not session.out.json and names.has_many_identities:
        of = Column("IDENTITY", lambda each: names.identity(each["identity_id"]), None, NAME_WIDTH)
        columns.insert(1, of)
    session.out.rows(shown, columns, "No conversations. Begin one: qabel chat CONTACT")
    hidden = len(listed) - len(shown)
    if hidden:
        session.out.note(f"{count(hidden, 'archived conversation')}. To list them: --archived")


def _unread_style(conversation: Mapping[str, Any]) -> str:
    return "green" if conversation["unread"] else ""


def _when(conversation: Mapping[str, Any]) -> str:
    last = conversation["last"]
    if last is None:
        return "-"
    is_odd = last["odd_time"] and last["received"] is not None
    return moment(last["received"] if is_odd else last["sent"])


def _last(conversation: Mapping[str, Any]) -> str:
    last = conversation["last"]
    if conversation["draft"]:
        return f"[draft] {conversation['draft']}"
    if last is None:
        return "-"
    state = f" [{last['state']}]" if last["state"] == "failed" else ""
    return f"{'You: ' if last['direction'] == 'out' else ''}{beginning(last['text'])}{state}"
