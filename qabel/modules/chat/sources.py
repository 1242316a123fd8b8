"""Which conversations there are, and which messages of the inbox and the outbox they have."""

from attrs import frozen

from qabel.modules.chat.queries import Reader

_SIDES = "SELECT id, identity, contact, outgoing, messages FROM chat_conversations"

_SOURCES = """
SELECT message_id, send_id, seq, part FROM chat_messages
WHERE conversation = ? AND (seq, part) > (?, ?) ORDER BY seq, part LIMIT ?
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
    """Return the ids of the messages of a conversation in the inbox, and in the outbox."""
    messages, sends = list[int](), list[int]()
    place = 0, 0
    while rows := await read.rows(_SOURCES, (number, *place, _MOST_IDS)):
        messages += [each for each, *_ in rows if each is not None]
        sends += [each for _, each, *_ in rows if each is not None]
        place = rows[-1][2:]
    return messages, sends
