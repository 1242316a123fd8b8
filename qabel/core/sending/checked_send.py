"""Check a request to send a message against the settings, and seal it."""

from collections.abc import Collection, Mapping, Sequence

from attrs import evolve, field, frozen

from qabel.contract.access import Access, OneIdentity
from qabel.core.errors import Invalid, NotFound, TooLarge
from qabel.core.people.references import Reference, find_contact, find_identity
from qabel.core.sending.compose import Draft, compose
from qabel.core.sending.introductions import (
    AUTO,
    NEVER,
    NO_INTRODUCTION,
    Introducing,
    Introductions,
)
from qabel.core.sending.post_result import PostingKey
from qabel.core.sending.time_stamps import TimeStamps
from qabel.crypto import InvalidKey
from qabel.drop.message import DropMessage, InvalidDropMessage, encode
from qabel.drop.transport import TEXT_SIZE, MessageTooLarge, seal_message
from qabel.forms.errors import FieldError
from qabel.jsontext import encode as encode_json
from qabel.settings.items import Contact, Identity
from qabel.settings.synced import SyncedSettings
from qabel.store.outbox.sends import NewDelivery, NewSend

MAX_RECIPIENTS = 1000


@frozen
class CheckedSend:
    """A message that can be sent: its sender, its recipients, and its JSON text."""

    identity: Identity
    contacts: Sequence[Contact]
    message: DropMessage
    text: bytes = field(repr=False)
    token_id: int | None = None
    """The token that it is sent with."""
    counts_time: bool = True
    """Whether later time stamps of the identity are to be higher than that of the message."""
    introducing: Introducing = NO_INTRODUCTION
    """Which of the messages are to introduce the sender."""
    introduced: Mapping[bytes, bytes] = field(factory=dict, repr=False)
    """The texts of those that do, by the public keys of their recipients."""

    @property
    def asks_who_knows(self) -> bool:
        """Whether it matters which recipients know the sender already."""
        return self.introducing.rule == AUTO

    def with_introductions(self, known: Collection[bytes] = ()) -> "CheckedSend":
        """Return the same with the introductions of the sender, as far as they fit.

        ``known`` are the public keys of recipients who need none, as they know the sender.
        """
        if self.introducing.rule == NEVER:
            return self
        introductions = Introductions(self.identity, self.message)
        texts = {}
        for contact in self.contacts:
            if contact.public_key.raw not in known:
                introduction = introductions.to(contact)
                if introduction is not None and introduction.fits:
                    texts[contact.public_key.raw] = introduction.text
        return evolve(self, introduced=texts)

    def seal(self) -> list[bytes]:
        """Seal the message for each recipient. Raises Invalid.

        It takes long: call it in a worker, not in the reactor's thread.
        """
        sealed = []
        for contact in self.contacts:
            try:
                text = self.introduced.get(contact.public_key.raw, self.text)
                box = seal_message(self.identity.private_key, contact.public_key, text)
            except InvalidKey as invalid:
                error = FieldError("recipients", f"contact {contact.id}: {invalid}")
                raise Invalid("Cannot send to some recipients.", [error]) from None
            sealed.append(box)
        return sealed

    def readdressed(self, synced: SyncedSettings) -> "CheckedSend":
        """Return the same with the present drop URLs. Raises NotFound if a contact is gone."""
        contacts = []
        for each in self.contacts:
            contact = synced.contact_by_key(self.identity, each.public_key)
            if contact is None:
                raise NotFound("A recipient was deleted from the contacts of the sender.")
            contacts.append(contact)
        return evolve(self, contacts=contacts)

    @property
    def room(self) -> int:
        """How many bytes more of data there is room for, in the text for the first recipient."""
        text = self.introduced.get(self.contacts[0].public_key.raw, self.text)
        return TEXT_SIZE - len(text) + len(self.message.data)

    def to_keep(self, sealed: Sequence[bytes] | None = None) -> NewSend:
        """Return the send to store in the outbox.

        Args:
            sealed: the box for each recipient; None to store it unsealed.

        """
        boxes: Sequence[bytes | None] = sealed or [None] * len(self.contacts)
        return NewSend(
            sender=self.identity.public_key.raw,
            identity_id=self.identity.id,
            token_id=self.token_id,
            model_object=self.message.model_object,
            acknowledge_id=self.message.acknowledge_id,
            message=_shown(self.message),
            time_stamp=self.message.time_stamp if self.counts_time else None,
            deliveries=[
                NewDelivery(
                    recipient=contact.public_key.raw,
                    contact_id=contact.id,
                    sealed=box,
                    urls=[str(url) for url in contact.drop_urls],
                    introduced=contact.public_key.raw in self.introduced,
                )
                for contact, box in zip(self.contacts, boxes, strict=True)
            ],
        )

    def postings(self, send_id: int) -> list[tuple[Contact, list[PostingKey]]]:
        """Return the postings of each recipient, for the id under which the send is stored."""
        return [
            (contact, [(send_id, contact.public_key.raw, str(url)) for url in contact.drop_urls])
            for contact in self.contacts
        ]


def seal_all(messages: Sequence[CheckedSend]) -> list[list[bytes]]:
    """Seal messages, each for its recipients. It takes long, as ``CheckedSend.seal``."""
    return [each.seal() for each in messages]


def check_send(
    synced: SyncedSettings,
    recipients: Sequence[Reference],
    sender: Reference,
    draft: Draft,
    *,
    access: Access,
    stamps: TimeStamps,
    introducing: Introducing = NO_INTRODUCTION,
) -> CheckedSend:
    """Check a request to send.

    Args:
        synced: the identities and their contacts.
        recipients: contacts of the sender.
        sender: an identity.
        draft: the message.
        access: what the caller may do.
        stamps: makes the time stamp, if the draft has none.
        introducing: which messages are to introduce the sender.

    Raises:
        Invalid: the sender, a recipient or the message is not valid.
        NotFound: a recipient is not a contact of the sender.
        TooLarge: the message does not fit into the transport format.

    """
    identity = find_identity(synced, sender)
    if identity is None or not _may_send(access, identity):
        error = FieldError("sender", "must be the id or the public key of an identity")
        raise Invalid("Unknown sender.", [error])
    contacts = _find_contacts(synced, identity, recipients)
    keys = [contact.public_key for contact in contacts]
    message = compose(draft, identity.public_key, keys, stamps.make)
    given = draft.time_stamp
    counts_time = given is None or stamps.is_past(identity.public_key, given)
    text = _encoded(message)
    if introducing.is_required:
        Introductions(identity, message).require(contacts)
    return CheckedSend(identity, contacts, message, text, access.token_id, counts_time, introducing)


def _encoded(message: DropMessage) -> bytes:
    """Return the text of a message. Raises Invalid or TooLarge."""
    try:
        text = encode(message)
    except InvalidDropMessage as error:
        errors = [FieldError("drop_message", str(error))]
        raise Invalid("The drop message is not valid.", errors) from None
    if len(text) > TEXT_SIZE:
        raise TooLarge(f"{MessageTooLarge(len(text))}.", size=len(text), limit=TEXT_SIZE)
    return text


def _may_send(access: Access, identity: Identity) -> bool:
    only = access.identity
    return only is None or only == OneIdentity(identity.id, identity.public_key.raw)


def _find_contacts(
    synced: SyncedSettings, identity: Identity, recipients: Sequence[Reference]
) -> list[Contact]:
    """Return the recipients. Raises Invalid, or NotFound if one of them is not a contact."""
    if not 0 < len(recipients) <= MAX_RECIPIENTS:
        error = FieldError("recipients", f"must have 1 to {MAX_RECIPIENTS} entries")
        raise Invalid("No recipients, or too many.", [error])
    found: dict[int, Contact] = {}
    errors = []
    for position, ref in enumerate(recipients):
        contact = find_contact(synced, identity, ref)
        if contact is None:
            raise NotFound(
                f"Recipient {position + 1} of {len(recipients)} is not a contact of the sender."
            )
        if not contact.drop_urls:
            errors.append(FieldError(f"recipients.{position}", "has no drop URL"))
        found[contact.id] = contact
    if errors:
        raise Invalid("Cannot send to some recipients.", errors)
    return list(found.values())


def _shown(message: DropMessage) -> bytes:
    """Return the JSON text of a message as its sender sees it in the outbox."""
    head = {
        "version": message.version,
        "time_stamp": message.time_stamp,
        "acknowledge_id": message.acknowledge_id,
        "sender": message.sender.hex,
        "model_object": message.model_object,
    }
    return encode_json(head)[:-1] + b',"data":' + message.data + b"}"
