"""Documents that have lists of items, and changes to a single item of one.

The same rules hold as for any other change. What is wrong with the item itself is named as seen
from there: ``alias``, ``keys.public_key``.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import attrs

from qabel.forms.errors import Errors, InvalidInput, UnknownKey
from qabel.settings.document import D, DocumentType
from qabel.settings.item_lists import ItemList, find_item, free_ids, replaced
from qabel.settings.items import Item


class ItemDocumentType(DocumentType[D]):
    """What the documents of one kind, with lists of items, have in common."""

    def with_item(
        self, old: D, name: str, values: Mapping[str, object], *, now: int
    ) -> tuple[D, Any]:
        """Give the document with one item more in the list of that name, and that item.

        ``values`` are as in JSON. Raises InvalidInput.
        """
        items = self._items(old, name)
        number = next(free_ids({item.id for item in items}))
        with _seen_from(f"{name}.{number}."):
            item = self._list(name).read_item(dict(values), number, None, now)
            return self._with_items(old, name, (*items, item)), item

    def with_changed_item(
        self, old: D, name: str, number: int, changes: Mapping[str, object], *, now: int
    ) -> D:
        """Give the document with some keys of one item changed; values are as in JSON.

        Raises UnknownKey if there is no such item, or InvalidInput.
        """
        items = self._items(old, name)
        item = find_item(items, number)
        if item is None:
            raise UnknownKey(f"{name}.{number}", "no item of the list has this id")
        with _seen_from(f"{name}.{number}."):
            changed = {**item.to_builtins(), **changes}
            new = self._list(name).read_item(changed, number, item, now)
            return self._with_items(old, name, replaced(items, item, new))

    def with_deleted_item(self, old: D, name: str, number: int, *, now: int) -> D:
        """Give the document with one item deleted, which stays in its list.

        Raises UnknownKey if there is no such item, or InvalidInput.
        """
        item = find_item(self._items(old, name), number)
        if item is not None and not item.living:
            return old
        # At the epoch itself a deleted item would still live.
        return self.with_changed_item(old, name, number, {"deleted": now or 1}, now=now)

    def _list(self, name: str) -> ItemList[Item]:
        form = self._members[name].form
        if not isinstance(form, ItemList):
            raise TypeError(f"{name} is no list of items")
        return form

    def _items(self, document: D, name: str) -> tuple[Item, ...]:
        items: tuple[Item, ...] = self._part(document, name)
        return items

    def _with_items(self, old: D, name: str, items: tuple[Item, ...]) -> D:
        return self._checked(old, self._with(old, {name: items}), Errors())


@contextmanager
def _seen_from(place: str) -> Iterator[None]:
    try:
        yield
    except InvalidInput as error:
        errors = [attrs.evolve(each, key=each.key.removeprefix(place)) for each in error.errors]
        raise InvalidInput(errors) from None
