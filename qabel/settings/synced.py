"""The synced settings: what all devices of a user have in common.

See Qabel-Client-Configuration, "Synced settings". The contacts of a deleted identity count as
deleted, too, though they are kept unchanged: if the identity is restored, or another one with the
same key is added, they are its contacts again.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import attrs

from qabel.crypto import PublicKey
from qabel.forms.compound import Key
from qabel.forms.errors import Errors
from qabel.settings.item_documents import ItemDocumentType
from qabel.settings.item_lists import ItemList
from qabel.settings.items import (
    Account,
    Contact,
    DropServer,
    Identity,
    StorageServer,
    StorageVolume,
)
from qabel.settings.module_data import ModuleData, ModuleDataForm
from qabel.settings.module_forms import check_changed, module_forms
from qabel.settings.namesakes import comparable_alias
from qabel.settings.used_ids import UsedIds


@attrs.frozen(kw_only=True, repr=False)
class SyncedSettings:
    """All items, including deleted ones; lookups find only those that are not deleted."""

    accounts: tuple[Account, ...] = ()
    drop_servers: tuple[DropServer, ...] = ()
    storage_servers: tuple[StorageServer, ...] = ()
    storage_volumes: tuple[StorageVolume, ...] = ()
    identities: tuple[Identity, ...] = ()
    contacts: tuple[Contact, ...] = ()
    modules: ModuleData = attrs.field(factory=ModuleData)
    used_ids: Mapping[str, UsedIds] = attrs.field(factory=dict, eq=False)
    """The ids that identities and contacts have or had, by the keys of the lists."""

    def __repr__(self) -> str:
        return f"<SyncedSettings: {len(self.identities)} identities, {len(self.contacts)} contacts>"

    @property
    def module_data(self) -> dict[str, Any]:
        """A copy of the objects of all modules, by name."""
        return self.modules.value

    def identity(self, ref: int | PublicKey) -> Identity | None:
        """Return the identity with this id or public key; None if there is none."""
        return self._identities.get(ref)

    def contact(self, number: int) -> Contact | None:
        """Return the contact with this id; None if there is none."""
        return self._contacts.get(number)

    def contacts_of(self, owner: Identity | PublicKey) -> tuple[Contact, ...]:
        """Return the contacts of an identity."""
        return self._contacts_by_owner.get(_key(owner), ())

    def contact_by_key(self, owner: Identity | PublicKey, key: PublicKey) -> Contact | None:
        """Return the contact of an identity with this public key; None if there is none."""
        return self._contacts_by_keys.get((_key(owner).raw, key.raw))

    def contacts_named(self, owner: Identity | PublicKey, alias: str) -> tuple[Contact, ...]:
        """Return the contacts of an identity whose alias looks like this one."""
        return self._contacts_by_alias.get((_key(owner).raw, comparable_alias(alias)), ())

    @cached_property
    def active_drop_servers(self) -> tuple[DropServer, ...]:
        """The drop servers on which new drops may be created."""
        return tuple(each for each in self.drop_servers if each.living and each.active)

    @cached_property
    def group_tokens(self) -> dict[str, str]:
        """The tokens of closed groups, by the URLs of their drop servers in normal form.

        If a server is in the list more than once, the first token holds.
        """
        with_token = [each for each in self.drop_servers if each.living and each.group_token]
        return {each.server: each.group_token for each in reversed(with_token)}

    @cached_property
    def living_identities(self) -> tuple[Identity, ...]:
        """The identities that are not deleted."""
        return tuple(each for each in self.identities if each.living)

    @cached_property
    def living_contacts(self) -> tuple[Contact, ...]:
        """The contacts that are not deleted and whose identity is not deleted."""
        owners = {each.public_key.raw for each in self.living_identities}
        return tuple(
            each for each in self.contacts if each.living and each.my_identity.raw in owners
        )

    @cached_property
    def _identities(self) -> dict[int | PublicKey, Identity]:
        by_id: dict[int | PublicKey, Identity] = {each.id: each for each in self.living_identities}
        return by_id | {each.public_key: each for each in self.living_identities}

    @cached_property
    def _contacts(self) -> dict[int, Contact]:
        return {each.id: each for each in self.living_contacts}

    @cached_property
    def _contacts_by_owner(self) -> dict[PublicKey, tuple[Contact, ...]]:
        found: dict[PublicKey, list[Contact]] = {}
        for each in self.living_contacts:
            found.setdefault(each.my_identity, []).append(each)
        return {owner: tuple(contacts) for owner, contacts in found.items()}

    @cached_property
    def _contacts_by_keys(self) -> dict[tuple[bytes, bytes], Contact]:
        return {(each.my_identity.raw, each.public_key.raw): each for each in self.living_contacts}

    @cached_property
    def _contacts_by_alias(self) -> dict[tuple[bytes, str], tuple[Contact, ...]]:
        found: dict[tuple[bytes, str], tuple[Contact, ...]] = {}
        for each in self.living_contacts:
            name = (each.my_identity.raw, comparable_alias(each.alias))
            found[name] = (*found.get(name, ()), each)
        return found


def _key(owner: Identity | PublicKey) -> PublicKey:
    return owner.public_key if isinstance(owner, Identity) else owner


def _check(document: SyncedSettings, errors: Errors) -> None:
    """Add the errors between the items of a document."""
    _check_volumes(document, errors)
    _check_identities(document, errors)
    _check_contacts(document, errors)


def _check_volumes(document: SyncedSettings, errors: Errors) -> None:
    if errors.has("storage_servers"):
        return
    servers = {each.id for each in document.storage_servers}
    for volume in document.storage_volumes:
        if volume.living and volume.storage_server_id not in servers:
            errors.add(
                f"storage_volumes.{volume.id}.storage_server_id",
                "is not the id of a storage server",
            )


def _check_identities(document: SyncedSettings, errors: Errors) -> None:
    first: dict[bytes, int] = {}
    for identity in document.living_identities:
        other = first.setdefault(identity.public_key.raw, identity.id)
        if other != identity.id:
            errors.add(
                f"identities.{identity.id}.keys.public_key",
                f"is also the key of identities.{other}",
            )


def _check_contacts(document: SyncedSettings, errors: Errors) -> None:
    # Contacts of a deleted identity are valid: it may be restored.
    owners = {each.public_key.raw for each in document.identities}
    are_known = not errors.has("identities")
    first: dict[tuple[bytes, bytes], int] = {}
    for contact in document.contacts:
        if not contact.living:
            continue
        owner, key = contact.my_identity.raw, contact.public_key.raw
        if are_known and owner not in owners:
            errors.add(f"contacts.{contact.id}.my_identity", "is not the key of an identity")
        other = first.setdefault((owner, key), contact.id)
        if other != contact.id:
            errors.add(
                f"contacts.{contact.id}.keys.public_key",
                f"is also the key of contacts.{other}, a contact of the same identity",
            )


def _check_change(old: SyncedSettings, new: SyncedSettings, errors: Errors) -> None:
    """Add the errors in what modules store."""
    forms = module_forms()
    check_changed(forms.synced, old.modules, new.modules, errors.under("module_data"))
    if not forms.contacts or new.contacts is old.contacts:
        return
    before = {each.id: each for each in old.contacts}
    for contact in new.contacts:
        known = before.get(contact.id)
        if contact is not known:
            stored = ModuleData() if known is None else known.modules
            at = errors.under(f"contacts.{contact.id}.module_data")
            check_changed(forms.contacts, stored, contact.modules, at)


SYNCED: ItemDocumentType[SyncedSettings] = ItemDocumentType(
    SyncedSettings,
    {
        "accounts": Key(ItemList(Account), ()),
        "drop_servers": Key(ItemList(DropServer), ()),
        "storage_servers": Key(ItemList(StorageServer), ()),
        "storage_volumes": Key(ItemList(StorageVolume), ()),
        "identities": Key(ItemList(Identity), ()),
        "contacts": Key(ItemList(Contact), ()),
        "module_data": Key(ModuleDataForm(), ModuleData(), attribute="modules"),
    },
    _check,
    _check_change,
    lists_with_keys=frozenset({"identities", "contacts"}),
)
