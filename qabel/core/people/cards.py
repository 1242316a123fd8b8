"""Import and export of identities and contacts, as files and as the text of QR codes."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec
from attrs import evolve, frozen

from qabel.contract.access import Access
from qabel.core.errors import Conflict, Invalid
from qabel.core.people.contact_import import import_cards
from qabel.core.people.people import People
from qabel.core.people.references import Reference
from qabel.core.people.views import ImportedIdentityView, ImportedView
from qabel.core.settings import SettingsDocument
from qabel.drop.cards import (
    CardError,
    ContactCard,
    IdentityFile,
    read_cards,
    read_identity,
    write_contact_text,
    write_contacts,
    write_identity,
)
from qabel.drop.plain_http import is_unencrypted
from qabel.drop.url import DropURL
from qabel.forms.alias import visible_alias
from qabel.forms.errors import FieldError, InvalidInput
from qabel.net.addresses import is_private_server
from qabel.settings.synced import SyncedSettings

V = TypeVar("V")
T = TypeVar("T")


@frozen
class Cards:
    """Exports and imports identities and contacts."""

    _synced: SettingsDocument[SyncedSettings]
    _people: People

    def seen_by(self, access: Access) -> "Cards":
        """Return the view of a caller."""
        return evolve(self, people=self._people.seen_by(access))

    def export_identity(self, ref: Reference) -> bytes:
        """Return the ``.qid`` file of an identity, which contains its private key.

        Raises NotFound, or Conflict if the identity cannot be written in this form.
        """
        identity = self._people.find(ref)
        file = IdentityFile(
            alias=identity.alias,
            private_key=identity.private_key,
            drop_urls=identity.drops,
            prefixes=identity.prefixes,
            email=identity.email,
            phone=identity.phone,
            extra=identity.extra.value,
        )
        return _written(write_identity, file)

    async def import_identity(
        self, document: bytes, *, allow_private: bool = False
    ) -> ImportedIdentityView:
        """Import a ``.qid`` file.

        Args:
            document: the file.
            allow_private: whether its drops may be on this machine or in a private network. Those
                on servers in ``drop_servers`` may be anywhere.

        Raises:
            Invalid: the file cannot be read, or has a drop URL that is not allowed.
            Conflict: the identity already exists.

        """
        try:
            file = read_identity(document)
        except CardError as error:
            raise Invalid(f"The identity cannot be imported: {error}.") from None
        if self._synced.value.identity(file.private_key.public_key) is not None:
            raise Conflict("This identity already exists.")
        if not allow_private:
            self._check_private(file.drop_urls)
        made = await self._people.add_identity(
            visible_alias(file.alias, file.private_key.public_key.hex),
            file.drop_urls or None,
            key=file.private_key,
            prefixes=list(file.prefixes),
            email=file.email,
            phone=file.phone,
            extra=dict(file.extra),
        )
        servers = dict.fromkeys(url.server for url in file.drop_urls)
        warnings = [
            f"{server} uses http: others can see and change what goes there and back."
            for server in servers
            if is_unencrypted(server)
        ]
        return ImportedIdentityView(**msgspec.structs.asdict(made), warnings=warnings)

    def _check_private(self, urls: Sequence[DropURL]) -> None:
        """Raise Invalid for drop URLs with which a file could direct us to what is private."""
        chosen = {each.server for each in self._synced.value.drop_servers if each.living}
        errors = [
            FieldError(
                f"drop_urls.{index}",
                f"drop URL {index + 1} is on this machine or in a private network ({url.host})",
            )
            for index, url in enumerate(urls)
            if url.server not in chosen and is_private_server(url.server)
        ]
        if errors:
            raise Invalid(
                "Private drop URLs are not taken from a file. If they are right, add their servers"
                " to drop_servers first, or allow them: --allow-private, ?allow_private=1.",
                errors,
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
        card = ContactCard(
            contact.alias,
            contact.public_key,
            contact.drop_urls,
            contact.email,
            contact.phone,
            contact.extra.value,
        )
        return _written(write_contacts, [card])

    async def import_contacts(
        self, identity: Reference | None, document: bytes, *, replace: bool = False
    ) -> list[ImportedView]:
        """Import a ``.qco`` file, or the text of a QR code, in one transaction.

        Args:
            identity: the identity that gets the contacts; None for the only one.
            document: the file or the text.
            replace: whether contacts that are known already get the drop URLs in the file.

        Returns:
            The outcome for each contact in it: ``added``, ``same`` (it is known), ``differs`` (it
            is known with another alias or other drop URLs, and keeps them), ``replaced`` (it has
            the drop URLs in the file now), or ``refused`` with the reason.

        Raises:
            Invalid: the identity is unknown or ambiguous, or the file cannot be read.

        """
        owner, own = self._people.choose(identity), self._people.living()
        outcomes: list[ImportedView] = []

        def make(old: SyncedSettings, now: int) -> SyncedSettings:
            cards = read_cards(document)
            new, outcomes[:] = import_cards(old, owner, cards, own=own, replace=replace, now=now)
            return new

        try:
            await self._synced.change(make, is_large=True)
        except CardError as error:
            raise Invalid(f"The contacts cannot be imported: {error}.") from None
        except InvalidInput as error:
            raise Invalid("The contacts cannot be imported.", error.errors) from None
        return outcomes

    def _own_card(self, ref: Reference) -> ContactCard:
        identity = self._people.find(ref)
        return ContactCard(
            identity.alias, identity.public_key, identity.drops, identity.email, identity.phone
        )


def _written(write: Callable[[V], T], value: V) -> T:
    try:
        return write(value)
    except CardError as error:
        raise Conflict(f"Cannot be exported: {error}.") from None
