"""Sending messages of chat: texts that do not fit into one go in parts, as a whole."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from qabel.core.errors import Conflict, Invalid, TooLarge
from qabel.deferreds import gather
from qabel.forms.errors import FieldError
from qabel.jsontext import InvalidJSON
from qabel.modules.api import Message, ModuleCall, Reply, json_reply
from qabel.modules.chat import parts
from qabel.modules.chat.origins import sent_as
from qabel.modules.chat.parts import TextTooLong, new_part_id
from qabel.modules.chat.payloads import ChatPayload, read_payload
from qabel.modules.chat.people import ChatPeople
from qabel.modules.chat.queries import Conversation
from qabel.modules.chat.subject import NOTES


async def prepare(call: ModuleCall, found: Conversation) -> None:
    """Make sure that something can be sent in a conversation. Raises Conflict."""
    if found.identity == found.contact:
        # Its drops may have changed since the last note.
        await call.messaging.keep_notes(found.identity, NOTES)
    if (found.identity, found.contact) not in ChatPeople.of(call.messaging).contacts:
        raise Conflict("The other side of this conversation is no contact any more.")


def cut(said: ChatPayload, room: int) -> Sequence[ChatPayload]:
    """Return the parts by which to send a text. Raises TooLarge or Invalid."""
    try:
        return parts.cut(said, room, new_part_id())
    except TextTooLong as error:
        raise TooLarge(str(error), size=error.size, limit=error.limit) from None
    except InvalidJSON as error:
        raise Invalid("The text is not valid.", [FieldError("text", str(error))]) from None


async def send(
    call: ModuleCall,
    found: Conversation,
    data: Sequence[tuple[str, Mapping[str, Any]]],
    *,
    key: str | None,
    request: Any,
    reply_to: int | None,
    others: Sequence[int] = (),
    instead_of: Sequence[int] = (),
) -> Reply:
    """Send a message, or the parts of a text, and answer with what it is in the conversation.

    Args:
        call: the request.
        found: the conversation.
        data: kind and data of each part.
        key: an idempotency key.
        request: by what a repeated request is recognized.
        reply_to: the id of the message that it answers.
        others: parts of the text that were sent before, by their ids in the outbox.
        instead_of: ids in the outbox of what is deleted, as it is sent again.

    """
    messages = [_message(found, *each) for each in data]
    outcomes = await call.messaging.send_all(messages, idempotency_key=key, request=request)
    await gather(call.messaging.forget(each) for each in instead_of)
    ids = sorted([*others, *(each.id for each in outcomes)])
    sent = await sent_as(call, ids, found.id, found.contact)
    view = replace(sent.view, reply_to=reply_to)
    if view.state == "queued":
        # What is known of the first attempts is stored a moment later.
        states = {each.recipients[0].state.value for each in outcomes}
        view.state = next(each for each in ("failed", "queued", "sent") if each in states)
    location = b"/chat/messages/%d" % view.id
    is_complete = all(each.is_complete for each in outcomes)
    return json_reply(view, 201 if is_complete else 202, ((b"Location", location),))


def _message(found: Conversation, kind: str, data: Mapping[str, Any]) -> Message:
    return Message(
        identity=found.identity,
        recipient=found.contact,
        kind=kind,
        data=data,
        acknowledge=_is_last(kind, data),
    )


def _is_last(kind: str, data: Mapping[str, Any]) -> bool:
    """Return whether a message has the last part of a text, or all of it."""
    said = read_payload(kind, data)
    return said is None or said.part is None or said.part.n == said.part.of
