"""Documents with lists of items, and changes of a single item.

A change of one item obeys the same rules as any other change. The errors of that item have keys
relative to it, such as ``alias`` or ``keys.public_key``; those of other items have whole keys.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

import attrs

from qabel.crypto import key_digest
from qabel.forms.errors import Errors, InvalidInput, UnknownKey
from qabel.forms.form import Form
from qabel.settings.document import D, DocumentType
from qabel.settings.item_lists import ItemList, find_item, replace_item
from qabel.settings.items import Item
from qabel.settings.used_ids import NOTHING_USED, UsedId, UsedIds

_TAKEN = "belonged to another key before; leave out the id to get a new one, or use another"


@attrs.frozen(eq=False)
class ItemDocumentType(DocumentType[D]):
    """What all documents of one type have in common, if some of their keys are lists of items.

    An id of an item in one of the ``lists_with_keys`` belongs to its public key for ever: documents
    have the ids that were used in ``used_ids``, which is no part of their JSON. While an item is
    not deleted, its key can be replaced.
    """

    lists_with_keys: frozenset[str] = frozenset()

    def with_item(
        self, old: D, name: str, values: Mapping[str, object], *, now: int
    ) -> tuple[D, Any]:
        """Return the document with a new item, and that item.

        Args:
            old: the document to change.
            name: the key of the list that gets the item.
            values: the item's keys as parsed JSON.
            now: seconds since the epoch.

        Raises:
            InvalidInput: the item is not valid.

        """
        items = self._items(old, name)
        number = next(self.list_form(old, name).free_ids({item.id for item in items}))
        with _relative_to(f"{name}.{number}."):
            item = self.list_form(old, name).read_item(dict(values), number, None, now)
            return self.with_items(old, name, (*items, item)), item

    def with_items(self, old: D, name: str, items: tuple[Item, ...]) -> D:
        """Return the document with all items of one list replaced. Raises InvalidInput."""
        return self._checked(old, self._with(old, {name: items}), Errors())

    def list_form(self, document: D, name: str) -> ItemList[Any]:
        """Return the form of one list, as a change of this document uses it."""
        form = self._form(document, name)
        if not isinstance(form, ItemList):
            raise TypeError(f"{name} is not a list of items")
        return form

    def with_changed_item(
        self, old: D, name: str, number: int, changes: Mapping[str, object], *, now: int
    ) -> D:
        """Return the document with some keys of one item changed.

        Args:
            old: the document to change; returned if nothing changes.
            name: the key of the list that has the item.
            number: the item's id.
            changes: the keys to change as parsed JSON.
            now: seconds since the epoch.

        Raises:
            UnknownKey: the list has no item with this id.
            InvalidInput: the document would not be valid.

        """
        items = self._items(old, name)
        item = find_item(items, number)
        if item is None:
            raise UnknownKey(f"{name}.{number}", "the list has no item with this id")
        with _relative_to(f"{name}.{number}."):
            changed = {**item.to_builtins(), **changes}
            new = self.list_form(old, name).read_item(changed, number, item, now)
            return self.with_items(old, name, replace_item(items, item, new))

    def with_deleted_item(self, old: D, name: str, number: int, *, now: int) -> D:
        """Return the document with one item marked as deleted; the item stays in its list.

        Args:
            old: the document to change; returned if the item is deleted already.
            name: the key of the list that has the item.
            number: the item's id.
            now: seconds since the epoch.

        Raises:
            UnknownKey: the list has no item with this id.
            InvalidInput: the document would not be valid.

        """
        item = find_item(self._items(old, name), number)
        if item is not None and not item.living:
            return old
        # 0 means that an item is not deleted, so the epoch itself cannot be the time.
        return self.with_changed_item(old, name, number, {"deleted": now or 1}, now=now)

    def knowing(self, document: D, used: Mapping[str, UsedIds]) -> D:
        """Return a document that knows which ids were used before."""
        all_used = {
            name: used.get(name, NOTHING_USED).grown(
                map(_id_and_digest, self._items(document, name))
            )
            for name in self.lists_with_keys
        }
        return self._evolved(document, all_used)

    def used_since(self, old: D, new: D) -> Sequence[UsedId]:
        """Return the ids that a new document uses, and an old one did not know."""
        before, after = _used(old), _used(new)
        return [
            each
            for kind in after
            for each in after[kind].since(before.get(kind, NOTHING_USED), kind)
        ]

    def _form(self, document: D, name: str) -> Form[Any]:
        form = super()._form(document, name)
        if isinstance(form, ItemList) and name in self.lists_with_keys:
            return attrs.evolve(form, used=_used(document).get(name, NOTHING_USED))
        return form

    def _with(self, old: D, parts: Mapping[str, Any]) -> D:
        used = dict(_used(old))
        for name in self.lists_with_keys & parts.keys():
            changed = _changed(self._items(old, name), parts[name])
            used[name] = used.get(name, NOTHING_USED).grown(map(_id_and_digest, changed))
        return self._evolved(super()._with(old, parts), used)

    def _evolved(self, document: Any, used: Mapping[str, UsedIds]) -> D:
        return cast("D", attrs.evolve(document, used_ids=used))

    def _checked(self, old: D, new: D, errors: Errors) -> D:
        for name in self.lists_with_keys:
            items = self._items(old, name)
            used, before = _used(old).get(name, NOTHING_USED), {each.id: each for each in items}
            for item in _changed(items, self._items(new, name)):
                holder = before.get(item.id)
                number, digest = _id_and_digest(item)
                if holder is not None and (holder.living or _id_and_digest(holder)[1] == digest):
                    continue
                if used.belongs_to_another(number, digest):
                    errors.add(f"{name}.{number}.id", _TAKEN)
        return super()._checked(old, new, errors)

    def _items(self, document: D, name: str) -> tuple[Item, ...]:
        items: tuple[Item, ...] = self._part(document, name)
        return items


def _used(document: Any) -> Mapping[str, UsedIds]:
    used: Mapping[str, UsedIds] = document.used_ids
    return used


def _changed(old: Iterable[Item], new: Iterable[Item]) -> Iterator[Any]:
    """Yield the items that are not the same as before."""
    before = {each.id: each for each in old}
    return (each for each in new if before.get(each.id) is not each)


def _id_and_digest(item: Any) -> tuple[int, bytes]:
    return item.id, key_digest(item.public_key.raw)


@contextmanager
def _relative_to(prefix: str) -> Iterator[None]:
    try:
        yield
    except InvalidInput as error:
        errors = [attrs.evolve(each, key=each.key.removeprefix(prefix)) for each in error.errors]
        raise InvalidInput(errors) from None
