"""The messages of conversations: reading, sending, sending again, deleting."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

from qabel.contract.query import MAX_ID
from qabel.contract.reply import NO_CONTENT, file_reply
from qabel.contract.routes import MAX_BODY
from qabel.core.errors import Conflict, Invalid
from qabel.forms.compound import Key, Object, OrNull
from qabel.forms.errors import FieldError
from qabel.forms.plain import Choice, Integer, Text
from qabel.modules.api import ModuleCall, Reply, json_reply
from qabel.modules.chat import queries, sending
from qabel.modules.chat.conversations import any_conversation, shown, view_of
from qabel.modules.chat.numbers import ChatCursor, CursorForm
from qabel.modules.chat.origins import failed_sends, other_parts, sent_data
from qabel.modules.chat.payloads import ChatPayload, ReplyTo, write_payload
from qabel.modules.chat.people import ChatPeople
from qabel.modules.chat.queries import ChatMessage, Conversation
from qabel.modules.chat.subject import (
    DELETE,
    NO_CONVERSATION,
    READ,
    SEND,
    delete_messages,
    routes,
)
from qabel.modules.chat.views import ChatMessagesView, ChatMessageView, ExportView

MAX_LIMIT = 1000
MAX_IDEMPOTENCY_KEY = 255

NO_MESSAGE = "No such message."

_IDEMPOTENCY = {
    "Idempotency-Key": Key(
        Text(MAX_IDEMPOTENCY_KEY, shortest=1),
        None,
        description="A repeated key returns the first message again, and sends nothing.",
    )
}

_SENT = {
    201: "Sent: the drop server of the contact accepted it.",
    202: "Stored; the daemon keeps trying.",
    404: NO_CONVERSATION,
    409: "The other side is no contact, or the Idempotency-Key was used for another request.",
    413: "The text does not fit into 64 messages: that is some 100 kB.",
    507: "Not enough disk space to store the message.",
}

_NEW = Object(
    {
        "text": Key(Text(MAX_BODY, shortest=1), description="The text.", examples=["Hello"]),
        "reply_to": Key(
            OrNull(Integer(0, MAX_ID)),
            None,
            description="The id of a message of the conversation to which it is a reply.",
        ),
    }
)


@routes.add(
    "GET",
    "/chat/conversations/<hex:conversation>/messages",
    "List the messages of a conversation, newest first",
    operation="listMessages",
    scopes=READ,
    query={
        "before": Key(CursorForm(), None, description="Only messages older than this cursor."),
        "after": Key(CursorForm(), None, description="Only messages newer than this cursor."),
        "limit": Key(Integer(1, MAX_LIMIT), 50, description="The largest number of messages."),
    },
    answers={
        200: "The messages. `cursor` is for `before` of the next page; after a request with "
        "`after`, for `after`.",
        404: NO_CONVERSATION,
    },
    returns=ChatMessagesView,
)
async def listed(call: ModuleCall, conversation: str) -> Reply:
    """List messages."""
    found = await any_conversation(call, ChatPeople.of(call.messaging), conversation)
    before, after = (
        None if call.query[name] is None else ChatCursor(*call.query[name])
        for name in ("before", "after")
    )
    limit = call.query["limit"]
    views = [
        each.view for each in await queries.page(call, found.id, limit, before=before, after=after)
    ]
    forward = after is not None and before is None
    cursor = str(after or before or ChatCursor())
    if views:
        cursor = views[0 if forward else -1].cursor
    return json_reply(ChatMessagesView(views, cursor))


@routes.add(
    "POST",
    "/chat/conversations/<hex:conversation>/messages",
    "Send a message",
    operation="sendChatMessage",
    scopes=SEND,
    body=_NEW,
    reads=_IDEMPOTENCY,
    answers={**_SENT, 400: "Invalid text, or no such message to reply to."},
    returns=ChatMessageView,
    headers={201: ("Location",), 202: ("Location",)},
)
async def send(call: ModuleCall, conversation: str) -> Reply:
    """Send a message."""
    given = call.body()
    found = await shown(call, ChatPeople.of(call.messaging), conversation)
    said = await _reply(call, found, given["text"], given["reply_to"])
    await sending.prepare(call, found)
    room = await call.messaging.room(found.identity, found.contact, said.kind)
    parts = [(each.kind, write_payload(each)) for each in sending.cut(said, room)]
    key = call.text_header("Idempotency-Key")
    reply_to = given["reply_to"]
    request = [conversation, given["text"], reply_to]
    return await sending.send(call, found, parts, key=key, request=request, reply_to=reply_to)


@routes.add(
    "GET",
    "/chat/messages/<id:message_id>",
    "Get a message",
    operation="getChatMessage",
    scopes=READ,
    answers={200: "The message.", 404: NO_MESSAGE},
    returns=ChatMessageView,
)
async def one(call: ModuleCall, message_id: int) -> Reply:
    """Return a message."""
    found, _ = await _with_conversation(call, message_id)
    return json_reply(found.view)


@routes.add(
    "DELETE",
    "/chat/messages/<id:message_id>",
    "Delete a message for good, in the inbox or the outbox too",
    operation="deleteChatMessage",
    scopes=DELETE,
    answers={204: "Deleted. The other side keeps what it has.", 404: NO_MESSAGE},
)
async def deleted(call: ModuleCall, message_id: int) -> Reply:
    """Delete a message."""
    found, _ = await _with_conversation(call, message_id)
    await delete_messages(call, [found])
    return NO_CONTENT


@routes.add(
    "POST",
    "/chat/messages/<id:message_id>/retry",
    "Send a message again that could not be sent",
    operation="retryChatMessage",
    scopes=SEND,
    answers={
        **_SENT,
        404: "No such message, or it was sent again already.",
        409: "The message has not failed, or the other side is no contact.",
    },
    returns=ChatMessageView,
    headers={201: ("Location",), 202: ("Location",)},
)
async def retry(call: ModuleCall, message_id: int) -> Reply:
    """Send a failed message again: it is a new one, which stands in place of it."""
    found, conversation = await _with_conversation(call, message_id)
    if found.view.state != "failed":
        raise Conflict("Only a message that failed can be sent again.")
    await sending.prepare(call, conversation)
    failed = await failed_sends(call, found, conversation.contact)
    parts = await sent_data(call, failed)
    # Should what has failed not be deleted, as the daemon ends: nothing is sent twice.
    return await sending.send(
        call,
        conversation,
        parts,
        key=f"\nretry {failed}",
        request=["retry", failed],
        reply_to=found.view.reply_to,
        others=await other_parts(call, found, conversation.contact),
        instead_of=failed,
    )


@routes.add(
    "GET",
    "/chat/conversations/<hex:conversation>/export",
    "Export a conversation with all its messages, oldest first",
    operation="exportConversation",
    scopes=READ,
    query={
        "format": Key(Choice(("json", "text")), "json", description="How it is written."),
    },
    answers={
        200: "The conversation; with `format=text` as plain text for people.",
        404: NO_CONVERSATION,
    },
    returns=ExportView,
)
async def export(call: ModuleCall, conversation: str) -> Reply:
    """Export a conversation."""
    people = ChatPeople.of(call.messaging)
    found = await any_conversation(call, people, conversation)
    view = await view_of(call, people, found)
    messages = [each async for each in _views(call, found)]
    if call.query["format"] == "json":
        return json_reply(ExportView(view, messages))
    names = {
        "in": view.alias or found.contact.hex(),
        "out": people.identities[found.identity].alias,
    }
    text = "".join(_line(each, names[each.direction]) for each in messages)
    return file_reply(text.encode(), b"text/plain; charset=utf-8", f"{conversation}.txt")


async def _views(call: ModuleCall, found: Conversation) -> AsyncIterator[ChatMessageView]:
    async for some in queries.all_pages(call, found.id):
        for each in some:
            yield each.view


def _line(message: ChatMessageView, name: str) -> str:
    """Return a message for people: time, name and text; its further lines are indented."""
    try:
        time = f"{datetime.fromtimestamp(message.sent / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        time = str(message.sent)
    text = "\n    ".join(message.text.splitlines())
    return f"{time} {name}: {text}\n"


async def _reply(
    call: ModuleCall, found: Conversation, text: str, reply_to: int | None
) -> ChatPayload:
    """Return a text that may be a reply. Raises Invalid."""
    if reply_to is None:
        return ChatPayload(text)
    [*others] = await queries.messages(call, [reply_to])
    if not others or others[0].view.conversation != found.id.hex():
        error = FieldError("reply_to", "is no message of this conversation")
        raise Invalid("There is no such message to reply to.", [error])
    view = others[0].view
    sender = found.contact if view.direction == "in" else found.identity
    return ChatPayload(text, ReplyTo(sender, view.sent))


async def _with_conversation(call: ModuleCall, number: int) -> tuple[ChatMessage, Conversation]:
    found = await queries.message(call, number)
    people = ChatPeople.of(call.messaging)
    return found, await any_conversation(call, people, found.view.conversation)
