"""The subject to which the routes of chat belong, and what they share."""

from collections.abc import Iterable

from qabel.contract.query import identifier
from qabel.core.people.references import ReferenceForm
from qabel.deferreds import gather
from qabel.forms.compound import Key
from qabel.modules.api import ModuleCall, Routes
from qabel.modules.chat.origins import Origins, origins
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
    await delete_origins(call, await origins(call, messages))


async def delete_origins(call: ModuleCall, found: Origins) -> None:
    """Delete messages from the inbox and the outbox."""
    messaging = call.messaging
    await gather(messaging.delete(each) for each in sorted(found.messages))
    await gather(messaging.forget(each) for each in sorted(found.sends))
