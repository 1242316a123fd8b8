"""``qabel search``: messages with some words in them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from qabel.cli.api_client import ApiClient
from qabel.cli.chat.conversation import other_side
from qabel.cli.chat.message_lines import time_of
from qabel.cli.context import Command, Session, pass_session
from qabel.cli.names import find_contact, identity_id
from qabel.cli.output import Output
from qabel.cli.text import clip, visible

HITS = 20
PAGE = 100
NAME_WIDTH = 30

_EXAMPLES = """
\b
Examples:
  qabel search milk
  qabel search --contact Bob new address
"""


@click.command(cls=Command, epilog=_EXAMPLES, short_help="Search messages.")
@click.argument("words", metavar="WORDS", nargs=-1, required=True)
@click.option(
    "--identity",
    "-i",
    metavar="IDENTITY",
    help="Search conversations of this identity only: alias, id or public key.",
)
@click.option(
    "--contact",
    metavar="CONTACT",
    help="Search the conversation with this contact only: alias, id or public key.",
)
@click.option(
    "--limit",
    "-n",
    metavar="NUMBER",
    type=click.IntRange(min=1),
    default=HITS,
    show_default=True,
    help="Number of messages, the newest.",
)
@pass_session
def search(
    session: Session, words: Sequence[str], identity: str | None, contact: str | None, limit: int
) -> None:
    """List messages in which all of the WORDS are, newest first.

    A word finds words that begin with it. Letter case and accents do not matter.
    """
    client = session.client
    query: dict[str, object] = {"q": " ".join(words), "identity": identity_id(client, identity)}
    if contact is not None:
        query["contact"] = find_contact(client, contact, identity)["id"]
    found = _hits(client, query, limit)
    if session.out.json:
        for each in found:
            session.out.value(each)
        return
    listed = client.get("/chat/conversations")["conversations"]
    sides = {each["id"]: other_side(each) for each in listed}
    is_empty = True
    for each in found:
        is_empty = False
        print_hit(session.out, each, sides.get(each["conversation"], "somebody unknown"))
    if is_empty:
        session.out.note("No messages found")


def _hits(
    client: ApiClient, query: Mapping[str, object], limit: int
) -> Iterator[Mapping[str, Any]]:
    cursor, left = None, limit
    while left:
        page = client.get("/chat/search", before=cursor, limit=min(left, PAGE), **query)
        yield from page["hits"]
        left -= len(page["hits"])
        if len(page["hits"]) < PAGE:
            return
        cursor = page["cursor"]


def print_hit(out: Output, hit: Mapping[str, Any], other: str) -> None:
    """Print a message that was found: when it was, with whom, and the text around the words."""
    name = clip(visible(other), NAME_WIDTH)
    way = "to" if hit["direction"] == "out" else "from"
    text = marked(out, str(hit["context"]), hit.get("places") or ())
    out.raw(f"{out.styled(time_of(hit), 'dim')}  {way} {out.styled(name, 'bold')}: {text}\n")


def marked(out: Output, text: str, places: Sequence[Sequence[int]]) -> str:
    """Return a text in one line, in which what was found is emphasized.

    Args:
        out: knows whether there are colours.
        text: the text.
        places: the first character of each place, and the one behind the last.

    """
    parts, last = [], 0
    for start, end in places:
        if last <= start <= end:
            parts += [visible(text[last:start]), out.styled(visible(text[start:end]), "yellow")]
            last = end
    return "".join([*parts, visible(text[last:])])
