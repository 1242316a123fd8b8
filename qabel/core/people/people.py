"""Identities and contacts: views of the synced settings, and the files that people exchange."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from qabel.core.errors import Conflict, Invalid, NotFound
from qabel.core.people.references import choose_identity, find_contact, require_identity
from qabel.core.settings import LiveDocument
from qabel.crypto import PrivateKey
from qabel.drop.cards import (
    CONTACT_TEXT_MARK,
    ContactCard,
    ExchangeError,
    IdentityFile,
    read_contact_text,
    read_contacts,
    read_identity,
    write_contact_text,
    write_contacts,
    write_identity,
)
from qabel.drop.url import DropURL
from qabel.settings.document import Fault, InvalidDocument
from qabel.settings.items import Contact, Identity
from qabel.settings.synced import SYNCED, SyncedSettings

V = TypeVar("V")
T = TypeVar("T")

IDENTITY_KEYS = {"alias", "drops"}
CONTACT_KEYS = {"alias", "public_key", "drop_urls", "module_data"}


class Directory:
    """The people that the user is, and those that the user knows."""

    def __init__(self, synced: LiveDocument[SyncedSettings], *, drop_id_bits: int = 256) -> None:
        """Prepare. ``drop_id_bits`` is how many bits of a new drop id are random."""
        self._synced = synced
        self._drop_id_bits = drop_id_bits

    # Identities

    def identities(self) -> list[dict[str, Any]]:
        """Give all living identities, without their private keys."""
        return [_identity_view(each) for each in self._synced.value.living_identities]

    def identity(self, ref: str) -> dict[str, Any]:
        """Give one identity, by id or public key. Raises NotFound."""
        return _identity_view(self._identity(ref))

    async def add_identity(self, alias: object, drops: object = None) -> dict[str, Any]:
        """Make an identity: a key pair, and a drop on the first active drop server.

        Args:
            alias: its name.
            drops: its drop URLs, if one is not to be made.

        Raises:
            Invalid: the alias or a drop URL is not valid.
            Conflict: there is no active drop server to make a drop on.

        """
        key = PrivateKey.generate()
        return await self._add_identity(key, alias, drops)

    async def change_identity(self, ref: str, changes: Mapping[str, object]) -> dict[str, Any]:
        """Change an identity's alias or drops. Raises NotFound or Invalid."""
        _only(changes, IDENTITY_KEYS)
        identity = self._identity(ref)
        await self._change_item("identities", identity.id, changes)
        return self.identity(str(identity.id))

    async def delete_identity(self, ref: str) -> None:
        """Delete an identity. Its messages stay; it takes part in nothing more."""
        await self._delete_item("identities", self._identity(ref).id)

    def export_identity(self, ref: str) -> bytes:
        """Give the ``.qid`` file of an identity, which holds its private key."""
        identity = self._identity(ref)
        return _written(
            write_identity, IdentityFile(identity.alias, identity.private_key, identity.drops)
        )

    async def import_identity(self, document: bytes) -> dict[str, Any]:
        """Take in a ``.qid`` file. Raises Invalid, or Conflict for an identity that is there."""
        try:
            file = read_identity(document)
        except ExchangeError as error:
            raise Invalid(f"The identity was not imported: {error}.") from None
        if self._synced.value.identity(file.private_key.public_key) is not None:
            raise Conflict("This identity is there already.")
        drops = [str(url) for url in file.drop_urls] or None
        return await self._add_identity(file.private_key, file.alias, drops)

    def contact_file(self, ref: str) -> bytes:
        """Give the ``.qco`` file that an identity hands to others."""
        return _written(write_contacts, [self._card(ref)])

    def contact_text(self, ref: str) -> str:
        """Give the text of the QR code that an identity shows to others. Raises Conflict."""
        return _written(write_contact_text, self._card(ref))

    # Contacts

    def contacts(self, identity: str | None = None) -> list[dict[str, Any]]:
        """Give all living contacts, or those of one identity."""
        value = self._synced.value
        if identity is None:
            return [self._contact_view(each) for each in value.living_contacts]
        owner = choose_identity(value, identity)
        return [self._contact_view(each) for each in value.contacts_of(owner)]

    def contact(self, contact_id: int) -> dict[str, Any]:
        """Give one contact. Raises NotFound."""
        return self._contact_view(self._contact(contact_id))

    async def add_contact(
        self, identity: str | None, given: Mapping[str, object]
    ) -> dict[str, Any]:
        """Add a contact to an identity's. Raises Invalid, or Conflict if it is there already."""
        _only(given, CONTACT_KEYS)
        owner = choose_identity(self._synced.value, identity)
        key = given.get("public_key")
        # As long as a key: an id is no contact's key.
        if len(str(key)) == 64 and find_contact(self._synced.value, owner, key) is not None:
            raise Conflict("This contact is there already.")
        item = {
            "alias": given.get("alias"),
            "keys": {"public_key": given.get("public_key")},
            "my_identity": owner.public_key.hex,
            "drop_urls": given.get("drop_urls", []),
            "module_data": given.get("module_data", {}),
        }
        return self._contact_view(await self._add_item("contacts", item))

    async def change_contact(
        self, contact_id: int, changes: Mapping[str, object]
    ) -> dict[str, Any]:
        """Change a contact. Raises NotFound or Invalid."""
        _only(changes, CONTACT_KEYS)
        contact = self._contact(contact_id)
        item = dict(changes)
        if "public_key" in item:
            item["keys"] = {"public_key": item.pop("public_key")}
        await self._change_item("contacts", contact.id, item)
        return self.contact(contact.id)

    async def delete_contact(self, contact_id: int) -> None:
        """Delete a contact. What came from it stays. Raises NotFound."""
        await self._delete_item("contacts", self._contact(contact_id).id)

    def export_contact(self, contact_id: int) -> bytes:
        """Give a contact's ``.qco`` file. Raises NotFound."""
        contact = self._contact(contact_id)
        return _written(
            write_contacts, [ContactCard(contact.alias, contact.public_key, contact.drop_urls)]
        )

    async def import_contacts(self, identity: str | None, document: bytes) -> list[dict[str, Any]]:
        """Take in a ``.qco`` file, or the text of a QR code.

        Gives for each contact in it what became of it: ``added``, ``updated`` (one that was there
        has new drop URLs), ``unchanged``, or ``refused`` and why. Raises Invalid.
        """
        owner = choose_identity(self._synced.value, identity)
        try:
            cards = _read_cards(document)
        except ExchangeError as error:
            raise Invalid(f"No contact was imported: {error}.") from None
        return [await self._import_card(owner, card) for card in cards]

    async def _import_card(self, owner: Identity, card: ContactCard) -> dict[str, Any]:
        told = {"alias": card.alias, "public_key": card.public_key.hex}
        if card.public_key == owner.public_key:
            return {**told, "outcome": "refused", "reason": "It is the identity itself."}
        urls = [str(url) for url in card.drop_urls]
        known = self._synced.value.contact_by_key(owner, card.public_key)
        try:
            if known is None:
                given = {"alias": card.alias, "public_key": card.public_key.hex, "drop_urls": urls}
                view = await self.add_contact(str(owner.id), given)
                return {**told, "outcome": "added", "id": view["id"]}
            # The name that the user gave it stays.
            if list(known.drop_urls) == list(card.drop_urls) or not urls:
                return {**told, "outcome": "unchanged", "id": known.id}
            await self._change_item("contacts", known.id, {"drop_urls": urls})
        except Invalid as error:
            reasons = "; ".join(f"{fault.key} {fault.detail}" for fault in error.faults)
            return {**told, "outcome": "refused", "reason": reasons or error.detail}
        return {**told, "outcome": "updated", "id": known.id}

    # Both

    async def _add_identity(self, key: PrivateKey, alias: object, drops: object) -> dict[str, Any]:
        item = {
            "alias": alias,
            "keys": {"private_key": key.hex, "public_key": key.public_key.hex},
            "drops": [str(self._new_drop())] if drops is None else drops,
        }
        return _identity_view(await self._add_item("identities", item))

    def _new_drop(self) -> DropURL:
        servers = self._synced.value.active_drop_servers
        if not servers:
            raise Conflict(
                "There is no active drop server to make a drop on. Add one first (qabel server "
                "add URL, or drop_servers in /synced), or give the identity's drops."
            )
        return DropURL.on_server(servers[0].url, bits=self._drop_id_bits)

    async def _add_item(self, kind: str, item: Mapping[str, object]) -> Any:
        added: list[Any] = []

        def make(old: SyncedSettings, now: int) -> SyncedSettings:
            new, made = SYNCED.with_item(old, kind, item, now=now)
            added[:] = [made]
            return new

        await self._change(make)
        return added[0]

    async def _change_item(self, kind: str, item_id: int, changes: Mapping[str, object]) -> None:
        await self._change(
            lambda old, now: SYNCED.with_changed_item(old, kind, item_id, changes, now=now)
        )

    async def _delete_item(self, kind: str, item_id: int) -> None:
        await self._change(lambda old, now: SYNCED.with_deleted_item(old, kind, item_id, now=now))

    async def _change(self, make: Callable[[SyncedSettings, int], SyncedSettings]) -> None:
        try:
            await self._synced.change(make)
        except InvalidDocument as error:
            # The views have no `keys` around a key.
            faults = [Fault(each.key.removeprefix("keys."), each.detail) for each in error.faults]
            raise Invalid("Some of what was given is not valid.", faults) from None

    def _identity(self, ref: str) -> Identity:
        return require_identity(self._synced.value, ref)

    def _contact(self, contact_id: int) -> Contact:
        contact = self._synced.value.contact(contact_id)
        if contact is None:
            raise NotFound(f"There is no contact {contact_id}.")
        return contact

    def _card(self, ref: str) -> ContactCard:
        identity = self._identity(ref)
        return ContactCard(identity.alias, identity.public_key, identity.drops)

    def _contact_view(self, contact: Contact) -> dict[str, Any]:
        owner = self._synced.value.identity(contact.my_identity)
        return {
            "id": contact.id,
            "alias": contact.alias,
            "public_key": contact.public_key.hex,
            "my_identity": contact.my_identity.hex,
            "identity_id": None if owner is None else owner.id,
            "drop_urls": [str(url) for url in contact.drop_urls],
            "module_data": contact.to_builtins()["module_data"],
            "created": contact.created,
            "updated": contact.updated,
        }


def _identity_view(identity: Identity) -> dict[str, Any]:
    return {
        "id": identity.id,
        "alias": identity.alias,
        "public_key": identity.public_key.hex,
        "drops": [str(url) for url in identity.drops],
        "created": identity.created,
        "updated": identity.updated,
    }


def _only(given: Mapping[str, object], known: set[str]) -> None:
    faults = [
        Fault(str(key), f"is not known; the keys are {', '.join(sorted(known))}")
        for key in given
        if key not in known
    ]
    if faults:
        raise Invalid("There are keys that nobody knows.", faults)


def _written(write: Callable[[V], T], value: V) -> T:
    try:
        return write(value)
    except ExchangeError as error:
        raise Conflict(f"It cannot be written in this form: {error}.") from None


def _read_cards(document: bytes) -> list[ContactCard]:
    if document.startswith(CONTACT_TEXT_MARK.encode()):
        try:
            return [read_contact_text(document.decode())]
        except UnicodeDecodeError:
            raise ExchangeError("the text is not UTF-8") from None
    return read_contacts(document)
