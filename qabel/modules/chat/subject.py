"""The subject to which the routes of chat belong, and what they share."""

from collections.abc import Iterable

from qabel.contract.query import identifier
from qabel.core.people.references import ReferenceForm
from qabel.deferreds import gather
from qabel.forms.compound import Key
from qabel.modules.api import ModuleCall, Routes
from qabel.modules.chat.queries import ChatMessage

routes = Routes("Chat")

READ = {"chat:read"}
SEND = {"chat:send"}
PEOPLE = {"contacts"}
DELETE = {"delete"}

IDENTITY = identifier("Only conversations of this identity.")

NO_CONVERSATION = "No such conversation."

NOTES = "Notes"
"""What the contact is called to whom an identity writes notes, unless the user renames it."""

REFERENCE = ReferenceForm()


def reference(description: str) -> Key:
    """Return a required member of a body that is an id or a public key."""
    return Key(REFERENCE, description=description, examples=[1])


async def delete_messages(call: ModuleCall, messages: Iterable[ChatMessage]) -> None:
    """Delete messages for good, where the inbox or the outbox has them: their rows follow."""
    messaging = call.messaging
    await gather(
        messaging.delete(each.message_id)
        if each.message_id is not None
        else messaging.forget(each.send_id or 0)
        for each in messages
    )
