"""Identities and contacts: views of the synced settings, changed one at a time."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import evolve, frozen

from qabel.contract.access import EVERYTHING, Access, OneIdentity
from qabel.core.errors import Conflict, Invalid, NotFound
from qabel.core.people.new_drops import NewDrops
from qabel.core.people.references import (
    Reference,
    choose_identity,
    find_contact,
    require_identity,
)
from qabel.core.people.views import (
    ContactView,
    IdentityView,
    VerificationView,
    contact_verification,
    contact_view,
    identity_view,
    verification_view,
)
from qabel.core.settings import SettingsDocument
from qabel.crypto import PrivateKey, PublicKey
from qabel.drop.url import DropURL
from qabel.forms.alias import check_alias_in
from qabel.forms.errors import InvalidInput
from qabel.settings.items import Contact, Identity
from qabel.settings.module_data import ModuleData
from qabel.settings.synced import SYNCED, SyncedSettings


@frozen
class People:
    """The user's identities and contacts.

    They are those that the caller may see, and their details only if the caller may see these.
    """

    _synced: SettingsDocument[SyncedSettings]
    _new_drops: NewDrops
    _access: Access = EVERYTHING

    def seen_by(self, access: Access) -> "People":
        """Return the view of a caller."""
        return evolve(self, access=access)

    # Identities

    def identities(self) -> list[IdentityView]:
        """Return all identities."""
        return [identity_view(each, self._access) for each in self.living()]

    def identity(self, ref: Reference) -> IdentityView:
        """Return one identity, by id or public key. Raises NotFound."""
        return identity_view(self.find(ref), self._access)

    def find(self, ref: Reference) -> Identity:
        """Return one identity with its private key. Raises NotFound."""
        identity = require_identity(self._synced.value, ref)
        if not self._may_see(identity):
            raise NotFound("No such identity.")
        return identity

    def choose(self, ref: Reference | None) -> Identity:
        """Return the identity that a reference names; None for the only one. Raises Invalid."""
        return choose_identity(self.living(), ref)

    async def add_identity(
        self,
        alias: str,
        drops: Sequence[DropURL] | None = None,
        *,
        key: PrivateKey | None = None,
        **more: object,
    ) -> IdentityView:
        """Create an identity, with a key pair and a drop on the first active drop server.

        Args:
            alias: its name.
            drops: its drop URLs; None to create a drop.
            key: its private key; None to generate one.
            more: further keys of the item: ``email``, ``phone``, ``prefixes``, ``extra``.

        Raises:
            Invalid: the alias or a drop URL is not valid.
            Conflict: there is no active drop server to create a drop on.

        """
        private = PrivateKey.generate() if key is None else key
        new = await self._new_drops.plan(private.public_key) if drops is None else None

        def item(synced: SyncedSettings) -> Mapping[str, object]:
            urls = (drops or ()) if new is None else [new.create(synced)]
            return {
                "alias": alias,
                "keys": {"private_key": private.hex, "public_key": private.public_key.hex},
                "drops": [str(url) for url in urls],
                **more,
            }

        # A file that has a key is taken with whatever name it has.
        return identity_view(await self._add_item("identities", item, check_name=key is None))

    async def change_identity(self, ref: Reference, changes: Mapping[str, Any]) -> IdentityView:
        """Change an identity's alias, drops, e-mail or phone. Raises NotFound or Invalid."""
        identity = self.find(ref)
        await self._change_item("identities", identity.id, _as_json(changes))
        return self.identity(identity.id)

    async def delete_identity(self, ref: Reference) -> None:
        """Delete an identity. Its messages are kept, but it receives no more. Raises NotFound."""
        await self._delete_item("identities", self.find(ref).id)

    # Contacts

    def contacts(self, identity: Reference | None = None) -> list[ContactView]:
        """Return all contacts, or those of one identity. Raises Invalid."""
        value = self._synced.value
        if identity is not None:
            found = value.contacts_of(self.choose(identity))
        elif self._access.identity is None:
            found = value.living_contacts
        else:
            found = tuple(each for owner in self.living() for each in value.contacts_of(owner))
        return [contact_view(each, value, self._access) for each in found]

    def contact(self, contact_id: int) -> ContactView:
        """Return one contact. Raises NotFound."""
        return contact_view(self.find_contact(contact_id), self._synced.value, self._access)

    def find_contact(self, contact_id: int) -> Contact:
        """Return one contact as it is in the settings. Raises NotFound."""
        contact = self._synced.value.contact(contact_id)
        if contact is None or not self._owns(contact):
            raise NotFound(f"No contact {contact_id}.")
        return contact

    async def add_contact(
        self,
        identity: Reference | None,
        alias: str,
        public_key: PublicKey,
        drop_urls: Sequence[DropURL] = (),
        **more: Any,
    ) -> ContactView:
        """Add a contact to an identity.

        Args:
            identity: the identity; None for the only one.
            alias: the contact's name.
            public_key: its public key.
            drop_urls: where it receives messages.
            more: further keys of the item: ``email``, ``phone``, ``module_data``.

        Raises:
            Invalid: the identity is unknown or ambiguous, or a value is not valid.
            Conflict: the contact already exists.

        """
        owner = self.choose(identity)
        known = find_contact(self._synced.value, owner, public_key)
        if known is not None:
            raise Conflict(f"This contact already exists, with the id {known.id}.")
        item = {
            "alias": alias,
            "keys": {"public_key": public_key.hex},
            "my_identity": owner.public_key.hex,
            "drop_urls": [str(url) for url in drop_urls],
            **_as_json(more),
        }
        return contact_view(await self._add_item("contacts", lambda _: item), self._synced.value)

    async def change_contact(self, contact_id: int, changes: Mapping[str, Any]) -> ContactView:
        """Change a contact. Raises NotFound or Invalid.

        The keys of ``changes`` are named like the arguments of ``add_contact``.
        """
        contact = self.find_contact(contact_id)
        item = _as_json(changes)
        if "public_key" in item:
            item["keys"] = {"public_key": item.pop("public_key")}
        await self._change_item("contacts", contact.id, item)
        return self.contact(contact.id)

    def verification(self, contact_id: int) -> VerificationView:
        """Return what the user and a contact compare. Raises NotFound."""
        return verification_view(self.find_contact(contact_id))

    async def verify_contact(
        self, contact_id: int, digits: str | None = None, *, is_verified: bool = True
    ) -> VerificationView:
        """Mark a contact as verified, or take the mark away.

        Args:
            contact_id: the contact.
            digits: those that the user compared; None if they are not known.
            is_verified: False to take the mark away.

        Raises:
            NotFound: there is no such contact.
            Conflict: the digits are not those of the contact, or its key was just replaced.

        """
        text = contact_verification(self.find_contact(contact_id))
        if digits is not None and not text.matches(digits):
            raise Conflict("These are not the digits of this contact: do not trust its key.")

        def make(old: SyncedSettings, now: int) -> SyncedSettings:
            contact = old.contact(contact_id)
            if contact is None or contact_verification(contact) != text:
                raise Conflict("The contact was changed meanwhile: compare again.")
            changes = {"verified": (now or 1) if is_verified else 0}
            return SYNCED.with_changed_item(old, "contacts", contact_id, changes, now=now)

        await self._change(make)
        return self.verification(contact_id)

    async def delete_contact(self, contact_id: int) -> None:
        """Delete a contact. Its messages are kept. Raises NotFound."""
        await self._delete_item("contacts", self.find_contact(contact_id).id)

    # Both

    def living(self) -> list[Identity]:
        """Return the identities that are not deleted, with their private keys."""
        living = self._synced.value.living_identities
        return [each for each in living if self._may_see(each)]

    def _may_see(self, identity: Identity) -> bool:
        only = self._access.identity
        return only is None or only == OneIdentity(identity.id, identity.public_key.raw)

    def _owns(self, contact: Contact) -> bool:
        owner = self._synced.value.identity(contact.my_identity)
        return owner is not None and self._may_see(owner)

    async def _add_item(
        self,
        kind: str,
        item_in: Callable[[SyncedSettings], Mapping[str, object]],
        *,
        check_name: bool = True,
    ) -> Any:
        added: list[Any] = []

        def make(old: SyncedSettings, now: int) -> SyncedSettings:
            item = item_in(old)
            if check_name:
                check_alias_in(item)
            new, made = SYNCED.with_item(old, kind, item, now=now)
            added[:] = [made]
            return new

        await self._change(make)
        return added[0]

    async def _change_item(self, kind: str, item_id: int, changes: Mapping[str, object]) -> None:
        def make(old: SyncedSettings, now: int) -> SyncedSettings:
            check_alias_in(changes)
            return SYNCED.with_changed_item(old, kind, item_id, changes, now=now)

        await self._change(make)

    async def _delete_item(self, kind: str, item_id: int) -> None:
        await self._change(lambda old, now: SYNCED.with_deleted_item(old, kind, item_id, now=now))

    async def _change(self, make: Callable[[SyncedSettings, int], SyncedSettings]) -> None:
        try:
            await self._synced.change(make)
        except InvalidInput as error:
            # Clients see keys without the `keys` object around them.
            errors = [evolve(each, key=each.key.removeprefix("keys.")) for each in error.errors]
            raise Invalid("Some values are not valid.", errors) from None


def _as_json(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return changed values as the settings documents take them."""
    return {name: _plain(value) for name, value in changes.items()}


def _plain(value: Any) -> Any:
    match value:
        case PublicKey():
            return value.hex
        case tuple() | list():
            return [_plain(each) for each in value]
        case DropURL():
            return str(value)
        case ModuleData():
            return value.value
    return value
