"""Documents with lists of items, and changes of a single item.

A change of one item obeys the same rules as any other change. The errors of that item have keys
relative to it, such as ``alias`` or ``keys.public_key``; those of other items have whole keys.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import attrs

from qabel.forms.errors import Errors, InvalidInput, UnknownKey
from qabel.settings.document import D, DocumentType
from qabel.settings.item_lists import ItemList, find_item, free_ids, replace_item
from qabel.settings.items import Item


@attrs.frozen(eq=False)
class ItemDocumentType(DocumentType[D]):
    """What all documents of one type have in common, if some of their keys are lists of items."""

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
        number = next(free_ids({item.id for item in items}))
        with _relative_to(f"{name}.{number}."):
            item = self._list(name).read_item(dict(values), number, None, now)
            return self._with_items(old, name, (*items, item)), item

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
            new = self._list(name).read_item(changed, number, item, now)
            return self._with_items(old, name, replace_item(items, item, new))

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

    def _list(self, name: str) -> ItemList[Item]:
        form = self.keys[name].form
        if not isinstance(form, ItemList):
            raise TypeError(f"{name} is not a list of items")
        return form

    def _items(self, document: D, name: str) -> tuple[Item, ...]:
        items: tuple[Item, ...] = self._part(document, name)
        return items

    def _with_items(self, old: D, name: str, items: tuple[Item, ...]) -> D:
        return self._checked(old, self._with(old, {name: items}), Errors())


@contextmanager
def _relative_to(prefix: str) -> Iterator[None]:
    try:
        yield
    except InvalidInput as error:
        errors = [attrs.evolve(each, key=each.key.removeprefix(prefix)) for each in error.errors]
        raise InvalidInput(errors) from None
