"""What the tables of chat have, read for clients."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol

import msgspec
from attrs import evolve, field, frozen

from qabel.core.errors import NotFound
from qabel.modules.chat.numbers import ChatCursor, ListCursor, no_conversation
from qabel.modules.chat.views import ChatMessageView
from qabel.store.database.connection import Parameters

# The states of what is sent are where the outbox has them: they cannot differ from it. Of a text in
# parts it is as `whole_state` says.
_MESSAGE = """
SELECT shown.id, shown.seq, shown.part, shown.conversation, shown.direction, shown.sent,
    shown.received, shown.text, shown.attachment, shown.odd_time, shown.message_id, shown.send_id,
    CASE WHEN shown.direction = 'in' THEN NULL WHEN shown.parts = 0 THEN
        (SELECT iif(acknowledged IS NULL, state, 'acknowledged') FROM deliveries
        WHERE deliveries.send_id = shown.send_id AND recipient = chat_conversations.contact)
    ELSE (SELECT CASE WHEN total(state = 'failed') THEN 'failed'
            WHEN total(state = 'queued') THEN 'queued'
            WHEN total(n = total AND acknowledged IS NOT NULL) THEN 'acknowledged' ELSE 'sent' END
        FROM chat_parts JOIN deliveries ON deliveries.send_id = chat_parts.send_id
        AND recipient = chat_conversations.contact WHERE chat_parts.shown = shown.id) END,
    (SELECT id FROM chat_messages AS other
        WHERE other.conversation = shown.conversation AND other.sent = shown.reply_sent
        AND other.direction = shown.reply_direction LIMIT 1), shown.incomplete
FROM chat_messages AS shown JOIN chat_conversations ON chat_conversations.id = shown.conversation
"""

_CONVERSATION = """
SELECT one.id, one.identity, one.contact, coalesce(unread, 0), coalesce(outgoing, 0),
    coalesce(muted, 0), coalesce(pinned, 0), coalesce(archived, 0), coalesce(ignored, 0), draft,
    coalesce(opened, 0), max(coalesce(read, 0), (SELECT since FROM chat_clock)),
    max(coalesce(made.changed, 0), coalesce(marked.changed, 0)) AS latest,
    (SELECT shown.id FROM chat_messages AS shown WHERE shown.conversation = one.id
        ORDER BY shown.seq DESC, shown.part DESC LIMIT 1)
FROM (SELECT id, identity, contact FROM chat_conversations
    UNION SELECT id, identity, contact FROM chat_marks WHERE opened IS NOT NULL) AS one
LEFT JOIN chat_conversations AS made ON made.id = one.id
LEFT JOIN chat_marks AS marked ON marked.id = one.id
"""

_CHANGED = f"SELECT * FROM ({_CONVERSATION}) WHERE latest > ?"  # noqa: S608 - ours

_UNREAD = """
SELECT id, identity, contact, unread, outgoing FROM chat_conversations WHERE unread > 0
"""

_INTRODUCED = """
SELECT conversation, message_id, (SELECT meta_data ->> 'alias' FROM messages WHERE id = message_id)
FROM (SELECT conversation, max(message_id) AS message_id
    FROM chat_messages JOIN messages ON messages.id = message_id
    WHERE conversation IN ({}) AND meta_data IS NOT NULL GROUP BY conversation)
"""

_AT_ONCE = 500
"""Values in one statement."""


class Reader(Protocol):
    """What runs statements: a call of a route."""

    async def rows(self, sql: str, values: Parameters = ()) -> list[tuple[Any, ...]]:
        """Run a statement that reads, and return its rows."""


@frozen
class ChatMessage:
    """A message, with what only the module needs."""

    view: ChatMessageView = field(repr=False)
    message_id: int | None
    """Its id in the inbox."""
    send_id: int | None
    """Its id in the outbox."""

    @property
    def place(self) -> ChatCursor:
        """Its place in the conversation."""
        return place_of(self.view)


@frozen
class Conversation:
    """A conversation as the tables have it."""

    id: bytes
    identity: bytes
    contact: bytes
    unread: int
    outgoing: int
    """How many messages of it were sent."""
    muted: int
    pinned: int
    archived: int
    ignored: int
    draft: str | None = field(repr=False)
    opened: int
    """Where the journal was when it was opened."""
    read: int
    """Where the newest message that was read is in the journal."""
    changed: int
    last_id: int | None
    last: ChatMessageView | None = field(default=None, repr=False)

    @property
    def order(self) -> tuple[int, int, bytes]:
        """What conversations are sorted by."""
        if self.last is None:
            return self.opened, 0, self.id
        place = place_of(self.last)
        return place.seq, place.part, self.id


def place_of(view: ChatMessageView) -> ChatCursor:
    """Return the place of a message in its conversation."""
    seq, part = view.cursor.split("-")
    return ChatCursor(int(seq), int(part))


async def conversations(read: Reader, after: int = -1) -> list[Conversation]:
    """Return the conversations that changed after a time of the clock of chat, newest first."""
    rows = await read.rows(_CHANGED, (after,))
    found = await _with_last(read, [Conversation(*row) for row in rows])
    return sorted(found, key=lambda each: each.order, reverse=True)


async def find(read: Reader, number: bytes) -> Conversation | None:
    """Return one conversation; None if it has no messages, and was not opened."""
    rows = await read.rows(f"{_CONVERSATION} WHERE one.id = ?", (number,))
    found = await _with_last(read, [Conversation(*row) for row in rows])
    return found[0] if found else None


async def conversation(read: Reader, number: bytes) -> Conversation:
    """Return one conversation. Raises NotFound."""
    found = await find(read, number)
    if found is None:
        raise no_conversation()
    return found


async def clock(read: Reader) -> ListCursor:
    """Return the cursor of all changes up to now."""
    [row] = await read.rows("SELECT changed, people FROM chat_clock")
    return ListCursor(*row)


async def unread(read: Reader) -> list[tuple[bytes, bytes, bytes, int, int]]:
    """Return id, identity, contact, unread and sent messages of conversations with unread ones."""
    return [(row[0], row[1], row[2], row[3], row[4]) for row in await read.rows(_UNREAD)]


async def introductions(read: Reader, ids: Sequence[bytes]) -> dict[bytes, tuple[int, str]]:
    """Return the newest introductions in conversations: the id in the inbox, and the name."""
    found = {}
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        marks = ", ".join("?" * len(some))
        for number, message_id, alias in await read.rows(_INTRODUCED.format(marks), some):
            found[number] = message_id, str(alias)
    return found


async def message(read: Reader, number: int) -> ChatMessage:
    """Return one message. Raises NotFound."""
    found = await messages(read, [number])
    if not found:
        raise NotFound(f"No message {number} in the conversations.")
    return found[0]


async def messages(read: Reader, ids: Sequence[int]) -> list[ChatMessage]:
    """Return messages by their ids, in any order; those that are gone are left out."""
    found: list[ChatMessage] = []
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        marks = ", ".join("?" * len(some))
        rows = await read.rows(f"{_MESSAGE} WHERE shown.id IN ({marks})", some)
        found += [message_of(*row) for row in rows]
    return found


async def page(
    read: Reader, number: bytes, limit: int, *, before: ChatCursor | None, after: ChatCursor | None
) -> list[ChatMessage]:
    """Return messages of a conversation, newest first.

    Args:
        read: runs statements.
        number: the conversation.
        limit: how many at most.
        before: only older ones, the newest of them.
        after: only newer ones, the oldest of them unless ``before`` is given.

    """
    conditions, parameters = ["shown.conversation = ?"], list[object]([number])
    for sign, cursor in (("<", before), (">", after)):
        if cursor is not None:
            conditions.append(f"(shown.seq, shown.part) {sign} (?, ?)")
            parameters += [cursor.seq, cursor.part]
    way = "ASC" if after is not None and before is None else "DESC"
    order = f"ORDER BY shown.seq {way}, shown.part {way} LIMIT ?"
    sql = f"{_MESSAGE} WHERE {' AND '.join(conditions)} {order}"
    rows = await read.rows(sql, (*parameters, limit))
    found = [message_of(*row) for row in rows]
    return found if way == "DESC" else found[::-1]


async def all_pages(read: Reader, number: bytes) -> AsyncIterator[list[ChatMessage]]:
    """Yield all messages of a conversation, oldest first, some at a time."""
    after = ChatCursor()
    while found := await page(read, number, _AT_ONCE, before=None, after=after):
        after = found[0].place
        yield found[::-1]


async def _with_last(read: Reader, found: Sequence[Conversation]) -> list[Conversation]:
    ids = [each.last_id for each in found if each.last_id is not None]
    views = {each.view.id: each.view for each in await messages(read, ids)}
    return [evolve(each, last=views.get(each.last_id or -1)) for each in found]


def message_of(
    number: int,
    seq: int,
    part: int,
    key: bytes,
    direction: Any,
    sent: int,
    received: int | None,
    text: str,
    attachment: str | None,
    odd_time: int,
    message_id: int | None,
    send_id: int | None,
    state: Any,
    reply_to: int | None,
    incomplete: int = 0,
) -> ChatMessage:
    """Return a message, of what the tables have of it."""
    view = ChatMessageView(
        id=number,
        cursor=str(ChatCursor(seq, part)),
        conversation=key.hex(),
        direction=direction,
        sent=sent,
        received=received,
        state=state,
        text=text,
        reply_to=reply_to,
        attachment=None if attachment is None else msgspec.Raw(attachment.encode()),
        incomplete=bool(incomplete),
        odd_time=bool(odd_time),
    )
    return ChatMessage(view, message_id, send_id)
