"""Importing contacts: each entry of a file has its outcome, and none changes who is where. Pure.

A file may come from anybody. A contact that is known already therefore keeps its drop URLs, unless
the user asks to replace them, and always the alias that the user gave it.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from attrs import define, evolve, field

from qabel.core.people.views import AddressView, ImportedView, NamesakeView
from qabel.drop.cards import BadCard, ContactCard
from qabel.forms.alias import visible_alias
from qabel.forms.errors import InvalidInput
from qabel.settings.item_lists import ItemList
from qabel.settings.items import Contact, Identity
from qabel.settings.namesakes import comparable_alias, known_by_name
from qabel.settings.synced import SYNCED, SyncedSettings


def import_cards(
    old: SyncedSettings,
    owner: Identity,
    cards: Iterable[ContactCard | BadCard],
    *,
    own: Sequence[Identity] = (),
    replace: bool = False,
    introduced: bool = False,
    now: int,
) -> tuple[SyncedSettings, list[ImportedView]]:
    """Return the settings with the contacts of a file, and the outcome of each.

    Args:
        old: the settings before.
        owner: the identity that gets the contacts.
        cards: the entries of the file.
        own: the user's own identities.
        replace: whether known contacts get the drop URLs in the file.
        introduced: whether it is not a file, but a message in which they introduce themselves.
        now: seconds since the epoch.

    Raises:
        InvalidInput: the settings would not be valid, as they would be too large.

    """
    work = _Import(old, owner, own, replace, introduced, now)
    outcomes = [work.outcome(number, card) for number, card in enumerate(cards, start=1)]
    return SYNCED.with_items(old, "contacts", tuple(work.items.values())), outcomes


@define(eq=False)
class _Import:
    """The contacts while entries of a file are added one by one."""

    _old: SyncedSettings
    _owner: Identity
    _own: Sequence[Identity]
    _replace: bool
    _introduced: bool
    _now: int
    items: dict[int, Contact] = field(init=False)
    _known: dict[bytes, Contact] = field(init=False)
    _seen: dict[bytes, int] = field(factory=dict, init=False)
    """The numbers of the entries that had a key first."""
    _ids_by_alias: dict[str, list[int]] = field(factory=dict, init=False)
    _form: ItemList[Contact] = field(init=False)
    _free: Iterator[int] = field(init=False)
    _next: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.items = {each.id: each for each in self._old.contacts}
        contacts = self._old.contacts_of(self._owner)
        self._known = {each.public_key.raw: each for each in contacts}
        for each in contacts:
            self._ids_by_alias.setdefault(comparable_alias(each.alias), []).append(each.id)
        self._form = SYNCED.list_form(self._old, "contacts")
        self._free = self._form.free_ids(set(self.items))
        self._next = next(self._free)

    def outcome(self, number: int, card: ContactCard | BadCard) -> ImportedView:
        """Add one entry, and return what became of it."""
        if isinstance(card, BadCard):
            return ImportedView(number, card.alias, "refused", reason=card.reason)
        card = evolve(card, alias=visible_alias(card.alias, card.public_key.hex))
        view = ImportedView(number, card.alias, "refused", card.public_key.hex)
        known, reason = self._known.get(card.public_key.raw), self._own_reason(card)
        if reason is not None and (known is None or self._replace):
            view.reason = reason
            return view
        try:
            if known is None:
                self._add(view, card)
            else:
                self._compare(view, card, known)
            self._seen.setdefault(card.public_key.raw, number)
        except InvalidInput as error:
            view.outcome = "refused"
            view.reason = "; ".join(str(each).removeprefix("keys.") for each in error.errors)
        return view

    def _own_reason(self, card: ContactCard) -> str | None:
        """Return why a card with the key of one of the user's own identities is refused."""
        if card.public_key == self._owner.public_key:
            return "this is the identity itself"
        for each in self._own:
            if each.public_key == card.public_key and not set(card.drop_urls) <= set(each.drops):
                return f"this is your own identity {each.id}, but not where it receives messages"
        return None

    def _add(self, view: ImportedView, card: ContactCard) -> None:
        values: dict[str, Any] = {
            "alias": card.alias,
            "keys": {"public_key": card.public_key.hex},
            "my_identity": self._owner.public_key.hex,
            "drop_urls": [str(url) for url in card.drop_urls],
            "email": card.email,
            "phone": card.phone,
            "introduced": self._introduced,
            "extra": dict(card.extra),
        }
        contact = self._form.read_item(values, self._next, None, self._now)
        named = self._ids_by_alias.setdefault(comparable_alias(card.alias), [])
        view.outcome, view.id = "added", contact.id
        known = known_by_name(self.items[each] for each in named)
        if known is not None:
            view.same_alias = list(named)
            view.namesake = NamesakeView(known.id, known.verified)
        named.append(contact.id)
        self._keep(contact)
        self._next = next(self._free)

    def _compare(self, view: ImportedView, card: ContactCard, known: Contact) -> None:
        view.id = known.id
        # The order of drop URLs means nothing, and a card without any says nothing of them.
        is_elsewhere = bool(card.drop_urls) and set(card.drop_urls) != set(known.drop_urls)
        if not is_elsewhere and card.alias == known.alias:
            view.outcome = "same"
            return
        view.outcome = "differs"
        view.known = AddressView(known.alias, [str(url) for url in known.drop_urls])
        view.card = AddressView(card.alias, [str(url) for url in card.drop_urls])
        first = self._seen.get(known.public_key.raw)
        if first is not None:
            view.reason = f"entry {first} of the file has the same key"
        elif is_elsewhere and self._replace:
            changes = {"drop_urls": view.card.drop_urls}
            changed = {**known.to_builtins(), **changes}
            contact = self._form.read_item(changed, known.id, known, self._now)
            view.outcome = "replaced"
            self._keep(contact)

    def _keep(self, contact: Contact) -> None:
        self.items[contact.id] = self._known[contact.public_key.raw] = contact
