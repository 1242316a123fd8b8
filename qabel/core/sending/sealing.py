"""Sealing messages that were stored unsealed: each box is stored before it is first posted."""

from collections.abc import Callable, Sequence

import msgspec
from attrs import frozen

from qabel.core.sending.introductions import Introductions
from qabel.core.workers import Workers
from qabel.crypto import InvalidKey, PublicKey
from qabel.drop.message import DropMessage, encode
from qabel.drop.transport import seal_message
from qabel.settings.items import Contact, Identity
from qabel.settings.synced import SyncedSettings
from qabel.store.outbox.moving import NO_CONTACT
from qabel.store.outbox.repository import OutboxRepository
from qabel.store.outbox.sends import Posting
from qabel.store.outbox.unsealed import Box, Unsealed

NO_IDENTITY = "The sending identity was deleted."
"""The reason of a delivery whose sender went before it was sealed."""

NOT_QUEUED = "The message is not queued any more."


class CannotSeal(Exception):
    """A message cannot be sealed for its recipient, now or later; ``reason`` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Kept(msgspec.Struct):
    """What the outbox has of a message."""

    time_stamp: int
    acknowledge_id: str
    sender: str
    model_object: str
    data: msgspec.Raw

    def __repr__(self) -> str:
        return "_Kept()"


@frozen
class Sealer:
    """Makes the boxes of messages that have none."""

    _repository: OutboxRepository
    _workers: Workers
    _synced: Callable[[], SyncedSettings]

    async def box(self, posting: Posting) -> bytes:
        """Return the box of a posting, which is stored; those that follow it get theirs too.

        It is always the same, however often this is called, also after a crash.

        Raises:
            CannotSeal: the sender or the recipient is gone, or its key is of no use.
            StoreError: the box could not be stored.

        """
        if posting.sealed is not None:
            return posting.sealed
        found = await self._repository.unsealed(posting)
        boxes: Sequence[Box] = ()
        if found and found[0].delivery_id == posting.delivery_id:
            identity, contact = self._people(posting)
            boxes = await self._workers.run(_seal, identity, contact, found)
        box = await self._repository.keep_boxes(posting, boxes)
        if box is None:
            raise CannotSeal(NOT_QUEUED)
        return box

    def _people(self, posting: Posting) -> tuple[Identity, Contact]:
        # What a deleted identity has sent already still goes out.
        synced = self._synced()
        for identity in synced.identities:
            if identity.public_key.raw == posting.sender:
                break
        else:
            raise CannotSeal(NO_IDENTITY)
        for contact in synced.contacts:
            keys = contact.my_identity.raw, contact.public_key.raw
            if contact.living and keys == (posting.sender, posting.recipient):
                return identity, contact
        raise CannotSeal(NO_CONTACT)


def _seal(identity: Identity, contact: Contact, messages: Sequence[Unsealed]) -> list[Box]:
    """Seal messages, in a worker. Raises CannotSeal."""
    boxes = []
    for each in messages:
        text, introduced = _text(identity, contact, each)
        try:
            box = seal_message(identity.private_key, contact.public_key, text)
        except InvalidKey as error:
            raise CannotSeal(f"The message cannot be sealed for the recipient: {error}.") from None
        boxes.append(Box(delivery_id=each.delivery_id, sealed=box, introduced=introduced))
    return boxes


def _text(identity: Identity, contact: Contact, unsealed: Unsealed) -> tuple[bytes, bool]:
    """Return the text of a message, and whether it introduces its sender."""
    kept = msgspec.json.decode(unsealed.message, type=_Kept)
    message = DropMessage(
        time_stamp=kept.time_stamp,
        sender=PublicKey.from_hex(kept.sender),
        model_object=kept.model_object,
        data=bytes(kept.data),
        acknowledge_id=kept.acknowledge_id,
    )
    if unsealed.introduced:
        introduction = Introductions(identity, message).to(contact)
        # What the sender is called may have become longer meanwhile.
        if introduction is not None and introduction.fits:
            return introduction.text, True
    return encode(message), False
