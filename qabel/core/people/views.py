"""Identities and contacts as clients see them."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from qabel.contract.access import EVERYTHING, Access
from qabel.contract.types import Id, JSONObject, KeyHex, Seconds, Url, View
from qabel.drop.verification import VerificationText, verification_text
from qabel.settings.items import Contact, Identity
from qabel.settings.namesakes import namesake
from qabel.settings.synced import SyncedSettings


class IdentityView(View):
    """An identity, without its private key.

    ``drops``, ``email`` and ``phone`` are null if the token may not see them.
    """

    id: Id
    alias: str
    public_key: KeyHex
    drops: list[Url] | None
    email: str | None
    phone: str | None
    created: Seconds
    updated: Seconds


class ImportedIdentityView(IdentityView):
    """An identity that was imported; ``warnings`` are for people."""

    warnings: list[str]


class NamesakeView(View):
    """The contact that is known by an alias; ``verified`` is when it was verified, or 0."""

    id: Id
    verified: Seconds


class ContactView(View):
    """A contact; ``my_identity`` is the public key of the identity that it belongs to.

    ``verified`` is when the verification text was compared, or 0. ``same_alias`` are the ids of
    other contacts of that identity with the same alias: it says which of them is meant.
    ``namesake`` is the one of them that is known by the alias, if users should be warned that this
    contact has another key: until they have verified it, or set ``alias_checked``.
    ``drop_urls``, ``email``, ``phone`` and ``extra`` are null if the token may not see them.
    """

    id: Id
    alias: str
    public_key: KeyHex
    my_identity: KeyHex
    identity_id: Id | None
    drop_urls: list[Url] | None
    email: str | None
    phone: str | None
    verified: Seconds
    blocked: bool
    introduced: bool
    same_alias: list[Id]
    namesake: NamesakeView | None
    alias_checked: bool
    module_data: dict[str, JSONObject]
    extra: JSONObject | None
    created: Seconds
    updated: Seconds


class VerificationView(View):
    """What the user and a contact compare: digits in groups, or words; both say the same.

    ``verified`` is when the user marked the contact as verified, in seconds since the epoch, or 0.
    """

    digits: Annotated[str, Meta(pattern="^[0-9]{5}( [0-9]{5}){11}$")]
    words: list[str]
    verified: Seconds


class AddressView(View):
    """What a contact is called, and where it receives messages."""

    alias: str
    drop_urls: list[Url]


class ImportedView(View):
    """The outcome of importing one contact of a file, which ``number`` counts from 1.

    ``known`` is what the contact had before, and ``card`` what the file says, if that differs.
    ``same_alias`` are the ids of other contacts with the alias of one that was added, and
    ``namesake`` is the one of them that is known by it. ``reason`` is why it was refused.
    """

    number: Annotated[int, Meta(ge=1)]
    alias: str
    outcome: Literal["added", "same", "differs", "replaced", "refused"]
    public_key: KeyHex | msgspec.UnsetType = msgspec.UNSET
    id: Id | msgspec.UnsetType = msgspec.UNSET
    known: AddressView | msgspec.UnsetType = msgspec.UNSET
    card: AddressView | msgspec.UnsetType = msgspec.UNSET
    same_alias: list[Id] | msgspec.UnsetType = msgspec.UNSET
    namesake: NamesakeView | msgspec.UnsetType = msgspec.UNSET
    reason: str | msgspec.UnsetType = msgspec.UNSET


def contact_verification(contact: Contact) -> VerificationText:
    """Return the verification text of a contact and its identity."""
    return verification_text(contact.my_identity, contact.public_key)


def verification_view(contact: Contact) -> VerificationView:
    """Return the verification text of a contact as clients see it."""
    text = contact_verification(contact)
    return VerificationView(text.digits, list(text.words), contact.verified)


def identity_view(identity: Identity, access: Access = EVERYTHING) -> IdentityView:
    """Return an identity as a client sees it."""
    shown = access.sees_details
    return IdentityView(
        id=identity.id,
        alias=identity.alias,
        public_key=identity.public_key.hex,
        drops=[str(url) for url in identity.drops] if shown else None,
        email=identity.email if shown else None,
        phone=identity.phone if shown else None,
        created=identity.created,
        updated=identity.updated,
    )


def namesake_view(contact: Contact | None) -> NamesakeView | None:
    """Return the contact that is known by an alias, as clients see it."""
    return None if contact is None else NamesakeView(contact.id, contact.verified)


def contact_view(
    contact: Contact, synced: SyncedSettings, access: Access = EVERYTHING
) -> ContactView:
    """Return a contact as a client sees it."""
    shown = access.sees_details
    owner = synced.identity(contact.my_identity)
    named = synced.contacts_named(contact.my_identity, contact.alias)
    return ContactView(
        id=contact.id,
        alias=contact.alias,
        public_key=contact.public_key.hex,
        my_identity=contact.my_identity.hex,
        identity_id=None if owner is None else owner.id,
        drop_urls=[str(url) for url in contact.drop_urls] if shown else None,
        email=contact.email if shown else None,
        phone=contact.phone if shown else None,
        verified=contact.verified,
        blocked=contact.blocked,
        introduced=contact.introduced,
        same_alias=[each.id for each in named if each.id != contact.id],
        namesake=namesake_view(namesake(contact, named)),
        alias_checked=contact.alias_checked,
        module_data=contact.modules.objects,
        extra=msgspec.Raw(contact.extra.text) if shown else None,
        created=contact.created,
        updated=contact.updated,
    )
