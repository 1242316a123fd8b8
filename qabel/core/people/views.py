"""Identities and contacts as clients see them."""

from typing import Literal

import msgspec

from qabel.contract.types import Id, JSONObject, KeyHex, Seconds, Url, View
from qabel.settings.items import Contact, Identity
from qabel.settings.synced import SyncedSettings


class IdentityView(View):
    """An identity, without its private key."""

    id: Id
    alias: str
    public_key: KeyHex
    drops: list[Url]
    created: Seconds
    updated: Seconds


class ContactView(View):
    """A contact; ``my_identity`` is the public key of the identity that it belongs to."""

    id: Id
    alias: str
    public_key: KeyHex
    my_identity: KeyHex
    identity_id: Id | None
    drop_urls: list[Url]
    module_data: dict[str, JSONObject]
    created: Seconds
    updated: Seconds


class ImportedView(View):
    """The outcome of importing one contact; ``reason`` is why it was refused."""

    alias: str
    public_key: KeyHex
    outcome: Literal["added", "updated", "unchanged", "refused"]
    id: Id | msgspec.UnsetType = msgspec.UNSET
    reason: str | msgspec.UnsetType = msgspec.UNSET


def identity_view(identity: Identity) -> IdentityView:
    """Return an identity as clients see it."""
    return IdentityView(
        id=identity.id,
        alias=identity.alias,
        public_key=identity.public_key.hex,
        drops=[str(url) for url in identity.drops],
        created=identity.created,
        updated=identity.updated,
    )


def contact_view(contact: Contact, synced: SyncedSettings) -> ContactView:
    """Return a contact as clients see it."""
    owner = synced.identity(contact.my_identity)
    return ContactView(
        id=contact.id,
        alias=contact.alias,
        public_key=contact.public_key.hex,
        my_identity=contact.my_identity.hex,
        identity_id=None if owner is None else owner.id,
        drop_urls=[str(url) for url in contact.drop_urls],
        module_data=contact.modules.objects,
        created=contact.created,
        updated=contact.updated,
    )
