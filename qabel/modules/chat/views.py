"""Conversations and messages, as clients see them."""

from typing import Annotated, Literal

from msgspec import Meta

from qabel.contract.types import Id, JSONObject, KeyHex, Milliseconds, View
from qabel.core.people.views import NamesakeView

ConversationId = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
ChatCursorText = Annotated[str, Meta(pattern="^[0-9]{1,18}-[0-9]{1,18}$")]


class ChatMessageView(View):
    """A message in a conversation.

    ``received`` and ``state`` are null where they do not apply: to messages that were sent, and to
    those that were received. ``odd_time`` says that the sender's time is more than a day away from
    when the message arrived.
    """

    id: Id
    cursor: ChatCursorText
    conversation: ConversationId
    direction: Literal["in", "out"]
    sent: Milliseconds
    received: Milliseconds | None
    state: Literal["queued", "sent", "acknowledged", "failed"] | None
    text: str
    reply_to: Id | None
    attachment: JSONObject | None
    incomplete: bool
    odd_time: bool


class ConversationView(View):
    """A conversation of an identity and a contact.

    ``contact_id`` is null if the other side is no contact, and ``alias`` if it has said no name.
    ``read`` is the cursor behind which the messages are unread.
    """

    id: ConversationId
    identity_id: Id
    contact_id: Id | None
    alias: str | None
    last: ChatMessageView | None
    unread: int
    read: ChatCursorText
    muted: bool
    pinned: bool
    archived: bool
    draft: str | None


class RequestView(View):
    """Messages of somebody who is no contact.

    ``introduced`` says whether they introduce their sender, who can be accepted then.
    ``same_alias`` are the ids of contacts that the sender may be taken for by its alias, and
    ``namesake`` is the one of them that is known by it: the sender has another key.
    """

    id: ConversationId
    identity_id: Id
    public_key: KeyHex
    alias: str | None
    introduced: bool
    ignored: bool
    same_alias: list[Id]
    namesake: NamesakeView | None
    last: ChatMessageView | None
    unread: int


class ConversationListView(View):
    """Conversations, newest first; ``cursor`` is for ``since``."""

    conversations: list[ConversationView]
    cursor: ChatCursorText


class RequestListView(View):
    """Requests, newest first."""

    requests: list[RequestView]
    cursor: ChatCursorText


class ChatMessagesView(View):
    """Messages, newest first; ``cursor`` is where the next page begins."""

    messages: list[ChatMessageView]
    cursor: ChatCursorText


class HitView(ChatMessageView):
    """A message that was found.

    ``context`` is the part of its text around the words that were searched for, and ``places`` says
    where they are in it: the first character of each, and the one behind the last.
    """

    context: str
    places: list[Annotated[list[int], Meta(min_length=2, max_length=2)]]


class HitListView(View):
    """Messages that were found, newest first; ``cursor`` is where the next page begins."""

    hits: list[HitView]
    cursor: ChatCursorText


class UnreadView(View):
    """How many messages are unread, in all and by conversation."""

    total: int
    conversations: dict[str, int]


class ExportView(View):
    """A conversation with all its messages, oldest first."""

    conversation: ConversationView
    messages: list[ChatMessageView]
