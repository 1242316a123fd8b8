"""Sending: what a client wants sent is checked, sealed and kept before anything leaves."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from hashlib import blake2b
from typing import Any

from attrs import field, frozen
from twisted.internet.defer import CancelledError, DeferredList
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from qabel.core.errors import Conflict, Invalid, NotFound, StoreError, TooLarge
from qabel.core.people.references import find_contact, find_identity
from qabel.core.sending.compose import compose
from qabel.core.sending.poster import Attempt, Leg, Outcome, Poster
from qabel.core.workers import Workers
from qabel.crypto import InvalidKey
from qabel.deferreds import shielded
from qabel.drop.message import DropMessage, InvalidDropMessage, encode
from qabel.drop.transport import TEXT_SIZE, MessageTooLarge, seal_message
from qabel.jsontext import encode as encode_json
from qabel.jsontext import parse as parse_json
from qabel.settings.document import Fault
from qabel.settings.items import Contact, Identity
from qabel.settings.synced import SyncedSettings
from qabel.store.outbox.idempotency import Idempotency, IdempotencyMismatch
from qabel.store.outbox.records import SendRecord
from qabel.store.outbox.repository import Added, Outbox
from qabel.store.outbox.sends import DeliveryState, NewDelivery, NewSend

PATIENCE = 5.0
"""Seconds that a client waits at most to hear whether its message was taken."""

MAX_RECIPIENTS = 1000


@frozen
class SendOutcome:
    """What became of a send so far; ``body`` tells it recipient by recipient, as JSON."""

    id: int
    complete: bool
    """Whether every recipient's drop server has taken it."""
    body: bytes = field(repr=False)


@frozen
class _Request:
    """A request to send, all of it checked."""

    identity: Identity
    contacts: Sequence[Contact]
    message: DropMessage
    text: bytes


class Sender:
    """The outbox, as clients see it."""

    _log = Logger()

    def __init__(
        self,
        shelf: Outbox,
        poster: Poster,
        workers: Workers,
        synced: Callable[[], SyncedSettings],
        *,
        clock: IReactorTime,
        now: Callable[[], float],
    ) -> None:
        self._shelf = shelf
        self._poster = poster
        self._workers = workers
        self._synced = synced
        self._clock = clock
        self._now = now

    async def send(
        self,
        recipients: object,
        sender: object,
        drop_message: object,
        *,
        idempotency_key: str | None = None,
        identity: int | None = None,
    ) -> SendOutcome:
        """Send a message; the arguments are as they came in JSON (the REST contract, POST /drop).

        Waits a little for the drop servers' answers. Whatever they say, or if they say nothing:
        what this returns an outcome for is on the disk, and is tried until it is settled.

        Args:
            recipients: a list of contacts, by id or public key.
            sender: an identity, by id or public key.
            drop_message: what to send.
            idempotency_key: with the key of an earlier send, that one's outcome is given.
            identity: the id of the only identity that may be the sender.

        Raises:
            Invalid: the sender or the message is not valid.
            NotFound: a recipient is no contact of the sender.
            TooLarge: the message does not fit.
            Conflict: the idempotency key was used for something else.
            StoreFull: there is no room to keep it.

        """
        # The message itself is made anew each time; what was asked for is the same.
        given = encode_json([recipients, sender, drop_message])
        request = self._check(recipients, sender, drop_message, identity)
        sealed = await self._workers.run(_seal_all, request)
        return await shielded(self._keep_and_post(request, sealed, given, idempotency_key))

    async def sends(self, after: int = 0, limit: int = 100, identity: int | None = None) -> bytes:
        """Give what was sent, oldest first, as a JSON list."""
        records = await self._shelf.read(after, limit, identity_id=identity)
        return encode_json([_as_json(each) for each in records])

    async def get(self, send_id: int, identity: int | None = None) -> bytes:
        """Give one send, and what became of it, as a JSON object. Raises NotFound."""
        record = await self._shelf.get(send_id)
        if record is None or identity not in (None, record.identity_id):
            raise NotFound(f"There is no send {send_id} in the outbox.")
        return encode_json(_as_json(record))

    async def delete(self, send_id: int, identity: int | None = None) -> None:
        """Forget a send; what was not yet posted of it never will be. Raises NotFound."""
        if identity is not None:
            await self.get(send_id, identity)
        deleted = await shielded(self._delete(send_id))
        if not deleted:
            raise NotFound(f"There is no send {send_id} in the outbox.")

    async def _delete(self, send_id: int) -> bool:
        deleted = await self._shelf.delete(send_id, now=self._now())
        if deleted is None:
            return False
        self._poster.add(deleted.ready)
        return True

    def _check(
        self, recipients: object, sender: object, drop_message: object, allowed: int | None
    ) -> _Request:
        synced = self._synced()
        identity = find_identity(synced, sender)
        if identity is None or allowed not in (None, identity.id):
            fault = Fault("sender", "must be the id or the public key of one of your identities")
            raise Invalid("The sender is unknown.", [fault])
        contacts = _find_contacts(synced, identity, recipients)
        keys = [contact.public_key for contact in contacts]
        message = compose(drop_message, identity.public_key, keys, self._now())
        try:
            text = encode(message)
        except InvalidDropMessage as error:
            raise Invalid(
                "The drop message is not valid.", [Fault("drop_message", str(error))]
            ) from None
        if len(text) > TEXT_SIZE:
            raise TooLarge(f"{MessageTooLarge(len(text))}.", size=len(text), limit=TEXT_SIZE)
        return _Request(identity, contacts, message, text)

    async def _keep_and_post(
        self, request: _Request, sealed: Sequence[bytes], given: bytes, key: str | None
    ) -> SendOutcome:
        now = self._now()
        idempotency = None if key is None else Idempotency(key, blake2b(given).digest())
        try:
            added = await self._shelf.add(
                _new_send(request, sealed), idempotency=idempotency, now=now
            )
        except IdempotencyMismatch as error:
            raise Conflict(str(error)) from None
        if added.repeated:
            return await self._again(added)
        attempts = await self._first_attempts(request, added)
        outcome = _outcome(request, added, attempts)
        if key is not None:
            await self._remember(key, outcome)
        return outcome

    async def _remember(self, key: str, outcome: SendOutcome) -> None:
        """Keep the answer for who asks again; if it cannot be, what it would be then is given."""
        try:
            await self._shelf.answered(key, encode_json([outcome.complete]) + outcome.body)
        except StoreError as error:
            # The message itself is kept, and perhaps sent: no reason to call it failed.
            self._log.warn("An answer could not be kept: {error}", error=str(error))

    async def _again(self, added: Added) -> SendOutcome:
        """Give the first answer again; if it was lost in a crash, what it would be now."""
        if added.answer is not None:
            mark, body = added.answer.split(b"]", 1)
            return SendOutcome(added.id, mark == b"[true", body)
        record = await self._shelf.get(added.id)
        if record is None:
            raise NotFound(f"Send {added.id} was deleted from the outbox.")
        complete = all(each.state == DeliveryState.SENT for each in record.deliveries)
        return SendOutcome(added.id, complete, encode_json(_as_json(record)))

    async def _first_attempts(self, request: _Request, added: Added) -> Mapping[Leg, Attempt]:
        """Wait for the first attempt at each posting, but not for servers known to be away."""
        attempts: dict[Leg, Attempt] = {}
        ready = {(each.recipient, each.url) for each in added.ready}
        waiting = []
        for leg in _legs(request, added.id):
            if leg[1:] in ready or not self._poster.in_trouble(leg[2]):
                first = self._poster.first_attempt(leg)
                waiting.append(first.addCallbacks(partial(attempts.__setitem__, leg), _given_up))
        self._poster.add(added.ready)
        try:
            await DeferredList(waiting).addTimeout(PATIENCE, self._clock)
        except DeferredTimeout:
            for each in waiting:
                each.cancel()
        return attempts


def _given_up(failure: Failure) -> None:
    failure.trap(CancelledError)


def _legs(request: _Request, send_id: int) -> list[Leg]:
    return [
        (send_id, contact.public_key.raw, str(url))
        for contact in request.contacts
        for url in contact.drop_urls
    ]


def _find_contacts(synced: SyncedSettings, identity: Identity, recipients: object) -> list[Contact]:
    """Find the recipients. Raises Invalid for none, NotFound if any of them is no contact."""
    if not isinstance(recipients, list) or not recipients:
        fault = Fault("recipients", "must be a list of contacts, by id or public key, at least one")
        raise Invalid("There are no recipients.", [fault])
    if len(recipients) > MAX_RECIPIENTS:
        fault = Fault("recipients", f"may be {MAX_RECIPIENTS} at most")
        raise Invalid("There are too many recipients.", [fault])
    found: dict[int, Contact] = {}
    faults = []
    for place, ref in enumerate(recipients):
        if isinstance(ref, bool) or not isinstance(ref, int | str):
            faults.append(Fault(f"recipients.{place}", "must be a contact's id or public key"))
            continue
        contact = find_contact(synced, identity, ref)
        if contact is None:
            raise NotFound(
                f"Recipient {place + 1} of {len(recipients)} is no contact of the sender."
            )
        if not contact.drop_urls:
            faults.append(Fault(f"recipients.{place}", "has no drop URL to send anything to"))
        found[contact.id] = contact
    if faults:
        raise Invalid("Not every recipient can be sent to.", faults)
    return list(found.values())


def _seal_all(request: _Request) -> list[bytes]:
    private_key = request.identity.private_key
    sealed = []
    for contact in request.contacts:
        try:
            sealed.append(seal_message(private_key, contact.public_key, request.text))
        except InvalidKey:
            fault = Fault("recipients", f"contact {contact.id} has a key that keeps nothing secret")
            raise Invalid("Not every recipient can be sent to.", [fault]) from None
    return sealed


def _new_send(request: _Request, sealed: Sequence[bytes]) -> NewSend:
    return NewSend(
        sender=request.identity.public_key.raw,
        identity_id=request.identity.id,
        model_object=request.message.model_object,
        acknowledge_id=request.message.acknowledge_id,
        message=_shown(request.message),
        deliveries=[
            NewDelivery(
                recipient=contact.public_key.raw,
                contact_id=contact.id,
                sealed=box,
                urls=[str(url) for url in contact.drop_urls],
            )
            for contact, box in zip(request.contacts, sealed, strict=True)
        ],
    )


def _shown(message: DropMessage) -> bytes:
    """Write a message as its sender is shown it, in the documented spelling."""
    head = {
        "version": message.version,
        "time_stamp": message.time_stamp,
        "acknowledge_id": message.acknowledge_id,
        "sender": message.sender.hex,
        "model_object": message.model_object,
    }
    return encode_json(head)[:-1] + b',"data":' + message.data + b"}"


def _outcome(request: _Request, added: Added, attempts: Mapping[Leg, Attempt]) -> SendOutcome:
    recipients = []
    for contact in request.contacts:
        key = contact.public_key.raw
        state, reason = _state(
            [attempts.get(leg) for leg in _legs(request, added.id) if leg[1] == key]
        )
        recipients.append(
            {
                "contact_id": contact.id,
                "recipient": contact.public_key.hex,
                "state": state,
                "reason": reason,
            }
        )
    complete = all(each["state"] == DeliveryState.SENT for each in recipients)
    body = {
        "id": added.id,
        "acknowledge_id": request.message.acknowledge_id,
        "recipients": recipients,
    }
    return SendOutcome(added.id, complete, encode_json(body))


def _state(tried: Sequence[Attempt | None]) -> tuple[DeliveryState, str | None]:
    """Tell where a delivery is after the first attempts at its drop URLs."""
    outcomes = [None if each is None else each.outcome for each in tried]
    reasons = [each.reason for each in tried if each is not None and each.reason]
    reason = reasons[0] if reasons else None
    if all(each is Outcome.REFUSED for each in outcomes):
        return DeliveryState.FAILED, reason
    if all(each in (Outcome.TAKEN, Outcome.REFUSED) for each in outcomes):
        return DeliveryState.SENT, reason
    return DeliveryState.QUEUED, reason


def _as_json(record: SendRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "sender": record.sender,
        "identity_id": record.identity_id,
        "model_object": record.model_object,
        "acknowledge_id": record.acknowledge_id,
        "created": record.created,
        "message": None if record.message is None else parse_json(record.message, depth=128),
        "recipients": [
            {
                "contact_id": each.contact_id,
                "recipient": each.recipient,
                "state": each.state,
                "reason": each.reason,
                "attempts": each.attempts,
                "next_attempt": each.next_attempt,
                "settled": each.settled,
                "acknowledged": each.acknowledged,
            }
            for each in record.deliveries
        ],
    }
