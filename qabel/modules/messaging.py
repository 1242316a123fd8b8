"""What modules may do with people and messages: their way into the core."""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen

from qabel.core.errors import Conflict, NotFound
from qabel.core.sending.compose import AUTO, Draft
from qabel.core.sending.outbox import ToSend
from qabel.core.sending.views import OutcomeView
from qabel.core.view import CoreView
from qabel.crypto import InvalidKey, PublicKey
from qabel.drop.message import NO_ACKNOWLEDGEMENT
from qabel.modules.known_people import KnownPeople
from qabel.modules.tools import read_message
from qabel.store.database.connection import Connection
from qabel.store.modules.entries import Received


@frozen(kw_only=True)
class Message:
    """A message to send."""

    identity: bytes
    """The public key of the sending identity: 32 bytes."""
    recipient: bytes
    """The public key of a contact of it: 32 bytes."""
    kind: str
    """The ``model_object``."""
    data: Mapping[str, Any] = field(repr=False)
    acknowledge: bool = True
    """Whether it asks for an acknowledgement, under a fresh id."""


def to_send(
    identity: bytes,
    recipient: bytes,
    kind: str,
    data: Mapping[str, Any],
    acknowledge: bool,
    idempotency_key: str | None = None,
) -> ToSend:
    """Return a message as the outbox takes it."""
    return ToSend(
        sender=identity.hex(),
        recipient=recipient.hex(),
        draft=Draft(kind, data, acknowledge_id=AUTO if acknowledge else NO_ACKNOWLEDGEMENT),
        idempotency_key=idempotency_key,
    )


@frozen
class Messaging(KnownPeople):
    """People and messages, for a route of a module.

    The route has checked what the caller may do. What is sent is the caller's own.
    """

    _view: CoreView
    _module: str
    """The name of the module: its idempotency keys are no others'."""

    async def message(self, message_id: int) -> Received | None:
        """Return a received message; None if it is not there. Raises StoreError."""

        def work(connection: Connection) -> Received | None:
            return read_message(lambda *given: connection.execute(*given).fetchall(), message_id)

        return await self._core.database.run(work)

    async def keep_notes(self, identity: bytes, alias: str) -> None:
        """Have an identity be a contact of its own, with its present drops: for notes.

        Args:
            identity: the public key of the identity.
            alias: the name of the contact, if there is none yet.

        Raises:
            NotFound: there is no such identity.
            StoreError: it could not be stored.

        """
        owner = self._core.people.find(PublicKey(identity))
        known = self._core.synced.value.contact_by_key(owner, owner.public_key)
        if known is None:
            await self._core.people.add_contact(owner.id, alias, owner.public_key, owner.drops)
        elif known.drop_urls != owner.drops:
            await self._core.people.change_contact(known.id, {"drop_urls": owner.drops})

    async def send(
        self,
        identity: bytes,
        recipient: bytes,
        kind: str,
        data: Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
    ) -> OutcomeView:
        """Send a message that asks for an acknowledgement under a fresh id.

        Args:
            identity: the public key of the sending identity.
            recipient: the public key of a contact of it.
            kind: the ``model_object``.
            data: what the message has.
            idempotency_key: if it is the key of an earlier send, that send's outcome is returned.

        Raises what ``Outbox.send`` raises.

        """
        message = Message(identity=identity, recipient=recipient, kind=kind, data=data)
        [outcome] = await self.send_all([message], idempotency_key=idempotency_key)
        return outcome

    async def send_all(
        self,
        messages: Sequence[Message],
        *,
        idempotency_key: str | None = None,
        request: Any = None,
    ) -> list[OutcomeView]:
        """Send messages as a whole: all are stored, in their order, or none is.

        Their time stamps rise. This waits some seconds at most for the responses of drop servers.

        Args:
            messages: at least one.
            idempotency_key: if it is the key of an earlier request of the same caller to this
                module, the outcomes of that are returned, and nothing is sent.
            request: by what a repeated request is recognized: what JSON can represent. Without it,
                by the messages.

        Raises what ``Outbox.send`` raises.

        """
        return await self._view.outbox.send_all(
            [
                to_send(each.identity, each.recipient, each.kind, each.data, each.acknowledge)
                for each in messages
            ],
            key=None if idempotency_key is None else (self._module, idempotency_key),
            request=request,
        )

    async def room(self, identity: bytes, recipient: bytes, kind: str) -> int:
        """Return how many bytes the data of a message may have, as a JSON text within a string.

        There is room for what introduces the sender, if the recipient may need that. The arguments
        and errors are those of ``send``.
        """
        return await self._view.outbox.room(recipient.hex(), identity.hex(), kind)

    async def delete(self, message_id: int) -> None:
        """Delete a received message for good, if it is there. Raises StoreError."""
        try:
            await self._core.inbox.delete(message_id)
        except NotFound:
            return

    async def forget(self, send_id: int) -> None:
        """Delete a message from the outbox, if it is there, and post no more of it.

        Raises StoreError.
        """
        try:
            await self._core.outbox.delete(send_id)
        except NotFound:
            return

    async def delete_all(self, messages: Sequence[int], sends: Sequence[int]) -> None:
        """Delete many messages, some at a time; a restart goes on with it.

        Args:
            messages: ids in the inbox; those that are not there are ignored.
            sends: ids in the outbox; likewise.

        Raises:
            StoreError: something may still be there; what was noted is deleted later.

        """
        await self._core.deleting.delete(messages, sends)

    async def accept(self, message_id: int, alias: str | None = None) -> int:
        """Add the sender of a message to the contacts; return the id of the contact.

        Raises what ``Accepting.accept`` raises.
        """
        return (await self._core.accepting.accept(message_id, alias)).id

    async def block(self, key: bytes) -> None:
        """Pass over the messages of a key from now on, if they are not yet.

        Raises:
            Invalid: it is the key of an identity of the user's own.
            StoreError: it could not be stored.

        """
        try:
            await self._core.blocked.add(PublicKey(key))
        except (Conflict, InvalidKey):
            # It is blocked already, or nobody can write with it.
            return
