"""Contacts from introductions: somebody unknown becomes a contact, as a message introduces him."""

from collections.abc import Callable

import msgspec
from attrs import evolve, frozen

from qabel.contract.access import Access
from qabel.core.errors import Conflict, Invalid
from qabel.core.inbox.reader import InboxReader
from qabel.core.inbox.views import MessageView
from qabel.core.people.contact_import import import_cards
from qabel.core.people.people import People
from qabel.core.people.views import ContactView, ImportedView
from qabel.core.settings import SettingsDocument
from qabel.crypto import InvalidKey, PublicKey
from qabel.drop.cards import CardError, ContactCard, read_meta_data
from qabel.forms.alias import check_alias
from qabel.forms.errors import FieldError, InvalidInput
from qabel.settings.items import Identity
from qabel.settings.synced import SyncedSettings
from qabel.store.database.connection import Connection
from qabel.store.inbox.strangers import now_known


@frozen(kw_only=True)
class Accepting:
    """Makes contacts of those who introduce themselves in their messages."""

    _synced: SettingsDocument[SyncedSettings]
    _people: People
    _inbox: InboxReader
    _messages_changed: Callable[[], None]
    """Called when messages that were announced have changed."""

    def seen_by(self, access: Access) -> "Accepting":
        """Return the view of a caller."""
        return evolve(self, people=self._people.seen_by(access), inbox=self._inbox.seen_by(access))

    async def accept(self, message_id: int, alias: str | None = None) -> ContactView:
        """Add the sender of a message to the contacts of the identity that received it.

        The contact is what the message says of its sender. Earlier messages of the sender are a
        contact's from then on.

        Args:
            message_id: the message.
            alias: the contact's name; None for the one in the message.

        Raises:
            NotFound: there is no such message.
            Conflict: the sender is a contact already, or the identity was deleted.
            Invalid: the message does not introduce its sender, or not in a way that can be used.
            StoreError: the contact could not be stored.

        """
        message = await self._inbox.message(message_id)
        owner = self._owner(self._synced.value, message)
        self._check_unknown(self._synced.value, owner, message)
        card = _card(message, alias)
        made: list[ImportedView] = []
        own = self._people.living()

        def make(old: SyncedSettings, now: int) -> SyncedSettings:
            # Both may have changed meanwhile.
            still = self._owner(old, message)
            self._check_unknown(old, still, message)
            new, made[:] = import_cards(old, still, [card], own=own, introduced=True, now=now)
            if made[0].outcome != "added":
                raise Invalid(f"This sender cannot be a contact: {made[0].reason}.")
            return new

        def note(connection: Connection) -> None:
            key = bytes.fromhex(message.receiver), bytes.fromhex(message.sender)
            now_known(connection, {key: _id(made[0])})

        try:
            await self._synced.change(make, also=note)
        except InvalidInput as error:
            raise Invalid("The contact cannot be added.", error.errors) from None
        self._messages_changed()
        return self._people.contact(_id(made[0]))

    def _owner(self, synced: SyncedSettings, message: MessageView) -> Identity:
        owner = synced.identity(PublicKey.from_hex(message.receiver))
        if owner is None:
            raise Conflict("The identity that received this message was deleted.")
        return owner

    def _check_unknown(self, synced: SyncedSettings, owner: Identity, message: MessageView) -> None:
        try:
            sender = PublicKey.from_hex(message.sender)
        except InvalidKey:
            return
        known = synced.contact_by_key(owner, sender)
        if known is not None:
            raise Conflict(f"The sender is a contact already, with the id {known.id}.")


def _card(message: MessageView, alias: str | None) -> ContactCard:
    """Return what a message says of its sender. Raises Invalid."""
    said = message.announced if message.meta_data is msgspec.UNSET else message.meta_data
    if said is msgspec.UNSET:
        why = "has no introduction of its sender (meta_data)"
        raise Invalid(
            "This message does not introduce its sender. Ask for the contact card instead: "
            "qabel contact import FILE.",
            [FieldError("from_message", why)],
        )
    try:
        card = read_meta_data(bytes(said))
    except CardError as error:
        raise Invalid(f"The introduction cannot be used: {error}.") from None
    if card.public_key.hex != message.sender:
        raise Invalid("The introduction is somebody else's, not that of the sender.")
    return _named(card, alias)


def _named(card: ContactCard, alias: str | None) -> ContactCard:
    """Return a card with the name that the user chose, if any. Raises Invalid."""
    try:
        check_alias(card.alias if alias is None else alias)
    except InvalidInput as error:
        if alias is not None:
            raise Invalid("This alias cannot be used.", error.errors) from None
        errors = [
            FieldError("alias", f"is required: the sender's own name {each.detail}")
            for each in error.errors
        ]
        raise Invalid("The sender's own name cannot be used. Choose another one.", errors) from None
    return card if alias is None else evolve(card, alias=alias)


def _id(made: ImportedView) -> int:
    if made.id is msgspec.UNSET:
        raise ValueError("only contacts that were added have an id")
    return made.id
