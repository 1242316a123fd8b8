"""Classify opened messages: to store, to acknowledge, or an acknowledgement themselves."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from attrs import field, frozen

from qabel.core.acknowledgement_times import AcknowledgementPlan
from qabel.core.people.blocked import is_blocked_contact
from qabel.drop.acknowledgement import (
    DROP_MODEL,
    UNKNOWN_MODULE,
    acknowledgement,
    asks_for_acknowledgement,
)
from qabel.drop.cards import CardError, read_meta_data
from qabel.drop.message import DropMessage, InvalidDropMessage, encode
from qabel.drop.multipart import Part
from qabel.drop.transport import TEXT_SIZE, Opened, Verdict
from qabel.jsontext import InvalidJSON, parse
from qabel.settings.items import Contact, Identity
from qabel.settings.synced import SyncedSettings
from qabel.store.inbox.message_rows import NewMessage
from qabel.store.inbox.refused import Reason, Refused, pair_digest
from qabel.store.outbox.acknowledgements import NewAcknowledgement
from qabel.store.outbox.receipts import Receipt


@frozen
class Classified:
    """What to store of a batch."""

    messages: Sequence[NewMessage] = ()
    receipts: Sequence[Receipt] = ()
    foreign: Sequence[bytes] = ()
    """Hashes of messages that are not for us."""
    blocked: Sequence[Refused] = ()
    """Messages of blocked senders."""
    dates: Sequence[str] = ()
    """When the messages arrived, as the drop server states it."""
    passed_over: Mapping[Verdict, int] = field(factory=dict)
    """How many messages are not for us, by reason."""


def classify(
    fresh: Mapping[bytes, Part],
    verdicts: Iterable[Opened | Verdict],
    synced: SyncedSettings,
    now: float,
    *,
    blocked: frozenset[bytes] = frozenset(),
    plan: AcknowledgementPlan | None = None,
    known_kinds: frozenset[str] | None = None,
) -> Classified:
    """Classify a batch, and decide on acknowledgements; to be called in a worker.

    Args:
        fresh: messages not seen before, by their hashes, in the server's order.
        verdicts: the result of opening each of them.
        synced: the identities and their contacts.
        now: seconds since the epoch.
        blocked: public keys whose messages, of whatever kind, are passed over.
        plan: how acknowledgements are delayed; None if there are to be none.
        known_kinds: the kinds of messages that modules own, if others are refused; else None.

    """
    messages, receipts, foreign = list[NewMessage](), list[Receipt](), list[bytes]()
    passed, dates, passed_over = list[Refused](), list[str](), Counter[Verdict]()
    for (digest, part), verdict in zip(fresh.items(), verdicts, strict=True):
        if not isinstance(verdict, Opened):
            foreign.append(digest)
            passed_over[verdict] += 1
            continue
        identity = synced.identity(verdict.recipient)
        if identity is None:
            foreign.append(digest)
            continue
        contact = synced.contact_by_key(identity, verdict.message.sender)
        if verdict.message.sender.raw in blocked or is_blocked_contact(contact):
            passed.append(_blocked(digest, verdict))
            continue
        if verdict.message.model_object == DROP_MODEL:
            receipts.append(_receipt(digest, verdict, contact, now))
        else:
            answer = _acknowledgement(verdict.message, identity, contact, plan, known_kinds)
            messages.append(_message(digest, verdict, identity, contact, now, answer))
        if part.date is not None:
            dates.append(part.date)
    return Classified(messages, receipts, foreign, passed, dates, passed_over)


def _blocked(digest: bytes, opened: Opened) -> Refused:
    pair = pair_digest(opened.recipient.raw, opened.message.sender.raw)
    return Refused(digest, Reason.BLOCKED, 0, pair)


def _message(
    digest: bytes,
    opened: Opened,
    identity: Identity,
    contact: Contact | None,
    now: float,
    answer: NewAcknowledgement | None,
) -> NewMessage:
    message = opened.message
    return NewMessage(
        hash=digest,
        version=message.version,
        time_stamp=message.time_stamp,
        acknowledge_id=message.acknowledge_id,
        sender=message.sender.raw,
        receiver=opened.recipient.raw,
        model_object=message.model_object,
        data=message.data,
        meta_data=_own_introduction(message),
        received=int(now * 1000),
        identity_id=identity.id,
        contact_id=contact.id if contact is not None else None,
        acknowledgement=answer,
    )


def _own_introduction(message: DropMessage) -> bytes | None:
    """Return the metadata if it is the contact data of the message's own sender."""
    if message.meta_data is None:
        return None
    try:
        card = read_meta_data(message.meta_data)
    except CardError:
        return None
    return message.meta_data if card.public_key == message.sender else None


def _acknowledgement(
    message: DropMessage,
    identity: Identity,
    contact: Contact | None,
    plan: AcknowledgementPlan | None,
    known_kinds: frozenset[str] | None,
) -> NewAcknowledgement | None:
    """Return the acknowledgement if a contact asks for one; strangers get none."""
    if plan is None or contact is None or not contact.drop_urls:
        return None
    is_refused = known_kinds is not None and message.model_object not in known_kinds
    if not asks_for_acknowledgement(message) or not _fits(message, identity, is_refused):
        return None
    return NewAcknowledgement(
        identity=identity.public_key.raw,
        contact=contact.public_key.raw,
        acknowledge_id=message.acknowledge_id,
        since=plan.since,
        delay=plan.delay(),
        is_refusal=is_refused,
    )


def _fits(message: DropMessage, identity: Identity, is_refused: bool) -> bool:
    """Return whether the id of a message is not too long to be sent back."""
    made = acknowledgement(
        message.acknowledge_id, identity.public_key, message.time_stamp, is_refusal=is_refused
    )
    try:
        return len(encode(made)) <= TEXT_SIZE
    except InvalidDropMessage:
        return False


def _receipt(digest: bytes, opened: Opened, contact: Contact | None, now: float) -> Receipt:
    message = opened.message
    return Receipt(
        hash=digest,
        sender=message.sender.raw,
        receiver=opened.recipient.raw,
        acknowledge_id=message.acknowledge_id,
        is_from_contact=contact is not None,
        error=_error(message.data),
        received=int(now * 1000),
    )


def _error(data: bytes) -> str | None:
    """Return the error that the recipient reports (Client-Drop, "Errors"), or None."""
    try:
        report = parse(data)
    except InvalidJSON:
        return None
    if isinstance(report, dict) and report.get("type") == UNKNOWN_MODULE:
        return "The recipient has no module for this kind of message (UNKNOWN_MODULE)."
    return None
