"""An outbox for modules in tests: what they send is stored as in a daemon, and goes nowhere."""

import secrets
from collections.abc import Awaitable, Callable, Sequence

from attrs import frozen

from qabel.core.errors import Invalid, NotFound
from qabel.core.sending.outbox import ToSend, key_of_module
from qabel.drop.message import NO_ACKNOWLEDGEMENT
from qabel.jsontext import encode
from qabel.store.modules.progress import Written
from qabel.store.outbox.adding import KeyedSend
from qabel.store.outbox.sends import NewDelivery, NewSend, Posting


@frozen(kw_only=True)
class MemoryOutbox:
    """Takes messages of one identity to its one contact."""

    identity: bytes
    identity_id: int
    contact: bytes
    contact_id: int
    now: Callable[[], float]
    ready: Callable[[Sequence[Posting]], None]
    """Called with what could be posted."""

    async def hand_over(
        self,
        module: str,
        messages: Sequence[ToSend],
        store: Callable[[Sequence[KeyedSend]], Awaitable[Written | None]],
    ) -> Written | None:
        """Check messages, and have them stored. Raises Invalid or NotFound."""
        new = [KeyedSend(self._checked(each), key_of_module(module, each)) for each in messages]
        written = await store(new)
        if written is not None:
            self.ready(written.ready)
        return written

    def _checked(self, message: ToSend) -> NewSend:
        if message.sender != self.identity.hex():
            raise Invalid("Unknown sender.")
        if message.recipient != self.contact.hex():
            raise NotFound("Recipient 1 of 1 is not a contact of the sender.")
        wants = message.draft.acknowledge_id != NO_ACKNOWLEDGEMENT
        text = {"time_stamp": int(self.now() * 1000), "data": dict(message.draft.data)}
        delivery = NewDelivery(
            recipient=self.contact,
            contact_id=self.contact_id,
            sealed=None,
            urls=("http://drop.example/" + 43 * "a",),
        )
        return NewSend(
            sender=self.identity,
            identity_id=self.identity_id,
            model_object=message.draft.model_object,
            acknowledge_id=secrets.token_hex(16) if wants else NO_ACKNOWLEDGEMENT,
            message=encode(text),
            deliveries=(delivery,),
        )
