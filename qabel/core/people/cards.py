"""Import and export of identities and contacts, as files and as the text of QR codes."""

from collections.abc import Callable
from typing import TypeVar

from attrs import evolve, frozen

from qabel.core.errors import Conflict, Invalid
from qabel.core.people.people import People
from qabel.core.people.references import Reference
from qabel.core.people.views import IdentityView, ImportedView
from qabel.core.settings import SettingsDocument
from qabel.drop.cards import (
    CONTACT_TEXT_MARK,
    CardError,
    ContactCard,
    IdentityFile,
    read_contact_text,
    read_contacts,
    read_identity,
    write_contact_text,
    write_contacts,
    write_identity,
)
from qabel.jsontext import without_mark
from qabel.settings.items import Identity
from qabel.settings.synced import SyncedSettings

V = TypeVar("V")
T = TypeVar("T")


@frozen
class Cards:
    """Exports and imports identities and contacts."""

    _synced: SettingsDocument[SyncedSettings]
    _people: People

    def seen_by(self, identity_id: int) -> "Cards":
        """Return the view that is limited to one identity."""
        return evolve(self, people=self._people.seen_by(identity_id))

    def export_identity(self, ref: Reference) -> bytes:
        """Return the ``.qid`` file of an identity, which contains its private key.

        Raises NotFound, or Conflict if the identity cannot be written in this form.
        """
        identity = self._people.find(ref)
        return _written(
            write_identity, IdentityFile(identity.alias, identity.private_key, identity.drops)
        )

    async def import_identity(self, document: bytes) -> IdentityView:
        """Import a ``.qid`` file. Raises Invalid, or Conflict if the identity already exists."""
        try:
            file = read_identity(document)
        except CardError as error:
            raise Invalid(f"The identity cannot be imported: {error}.") from None
        if self._synced.value.identity(file.private_key.public_key) is not None:
            raise Conflict("This identity already exists.")
        return await self._people.add_identity(
            file.alias, file.drop_urls or None, key=file.private_key
        )

    def contact_file(self, ref: Reference) -> bytes:
        """Return the ``.qco`` file of an identity, for others to import.

        Raises NotFound, or Conflict if the identity cannot be written in this form.
        """
        return _written(write_contacts, [self._own_card(ref)])

    def contact_text(self, ref: Reference) -> str:
        """Return the text of the QR code of an identity, for others to scan.

        Raises NotFound, or Conflict if the identity cannot be written in this form.
        """
        return _written(write_contact_text, self._own_card(ref))

    def export_contact(self, contact_id: int) -> bytes:
        """Return a contact's ``.qco`` file.

        Raises NotFound, or Conflict if the contact cannot be written in this form.
        """
        contact = self._people.find_contact(contact_id)
        return _written(
            write_contacts, [ContactCard(contact.alias, contact.public_key, contact.drop_urls)]
        )

    async def import_contacts(
        self, identity: Reference | None, document: bytes
    ) -> list[ImportedView]:
        """Import a ``.qco`` file, or the text of a QR code.

        Args:
            identity: the identity that gets the contacts; None for the only one.
            document: the file or the text.

        Returns:
            The outcome for each contact in it: ``added``, ``updated`` (an existing one has new
            drop URLs), ``unchanged``, or ``refused`` with the reason.

        Raises:
            Invalid: the identity is unknown or ambiguous, or the file cannot be read.

        """
        owner = self._people.choose(identity)
        try:
            cards = _read_cards(document)
        except CardError as error:
            raise Invalid(f"The contacts cannot be imported: {error}.") from None
        return [await self._import_card(owner, card) for card in cards]

    async def _import_card(self, owner: Identity, card: ContactCard) -> ImportedView:
        alias, key = card.alias, card.public_key.hex
        if card.public_key == owner.public_key:
            return ImportedView(alias, key, "refused", reason="This is the identity itself.")
        known = self._synced.value.contact_by_key(owner, card.public_key)
        try:
            if known is None:
                added = await self._people.add_contact(
                    owner.id, alias, card.public_key, card.drop_urls
                )
                return ImportedView(alias, key, "added", added.id)
            # The user's own name for the contact is kept.
            if not card.drop_urls or known.drop_urls == card.drop_urls:
                return ImportedView(alias, key, "unchanged", known.id)
            await self._people.change_contact(known.id, {"drop_urls": card.drop_urls})
        except Invalid as error:
            reasons = "; ".join(map(str, error.errors))
            return ImportedView(alias, key, "refused", reason=reasons or error.detail)
        return ImportedView(alias, key, "updated", known.id)

    def _own_card(self, ref: Reference) -> ContactCard:
        identity = self._people.find(ref)
        return ContactCard(identity.alias, identity.public_key, identity.drops)


def _written(write: Callable[[V], T], value: V) -> T:
    try:
        return write(value)
    except CardError as error:
        raise Conflict(f"Cannot be exported: {error}.") from None


def _read_cards(document: bytes) -> list[ContactCard]:
    document = without_mark(document)
    if document.startswith(CONTACT_TEXT_MARK.encode()):
        try:
            return [read_contact_text(document.decode())]
        except UnicodeDecodeError:
            raise CardError("the text is not UTF-8") from None
    return read_contacts(document)
