"""Which conversations there are, and which messages of the inbox and the outbox they have."""

from attrs import frozen

from qabel.modules.chat.queries import Reader

_SIDES = "SELECT id, identity, contact, outgoing, messages FROM chat_conversations"

_SOURCES = """
SELECT message_id, send_id, seq, part FROM chat_messages
WHERE conversation = ? AND (seq, part) > (?, ?) ORDER BY seq, part LIMIT ?
"""

_PARTS = """
SELECT message_id, send_id, id FROM chat_parts WHERE conversation = ? AND id > ?
ORDER BY id LIMIT ?
"""

_MOST_IDS = 20_000
"""Ids that one statement reads."""


@frozen
class Side:
    """The two sides of a conversation that has messages."""

    id: bytes
    identity: bytes
    contact: bytes
    outgoing: int
    """How many messages of it were sent."""
    messages: int


async def sides(read: Reader) -> list[Side]:
    """Return the two sides of all conversations that have messages."""
    return [Side(*row) for row in await read.rows(_SIDES)]


async def sources(read: Reader, number: bytes) -> tuple[list[int], list[int]]:
    """Return the ids of the messages of a conversation in the inbox, and in the outbox.

    Of texts in parts these are those of all parts, also of such that are not shown yet.
    """
    messages, sends = set[int | None](), set[int | None]()
    place = 0, 0
    while rows := await read.rows(_SOURCES, (number, *place, _MOST_IDS)):
        messages |= {row[0] for row in rows}
        sends |= {row[1] for row in rows}
        place = rows[-1][2:]
    part = 0
    while rows := await read.rows(_PARTS, (number, part, _MOST_IDS)):
        messages |= {row[0] for row in rows}
        sends |= {row[1] for row in rows}
        part = rows[-1][2]
    return sorted(filter(None, messages)), sorted(filter(None, sends))
