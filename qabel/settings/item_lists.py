"""Lists of items: each item is addressed by its id, and its times are kept."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, TypeVar

import attrs

from qabel.forms.compound import read_keys
from qabel.forms.errors import Errors, UnknownKey, invalid
from qabel.forms.form import Form, Schema, put_at
from qabel.forms.plain import MAX_INT
from qabel.jsontext import InvalidJSON
from qabel.jsontext import encode as encode_json
from qabel.settings.items import ID, TIME, TIMES, Item
from qabel.settings.used_ids import UsedIds

_Item = TypeVar("_Item", bound=Item)


@attrs.frozen
class ItemList(Form[tuple[_Item, ...]]):
    """A list of items of one class."""

    item_class: type[_Item]
    used: UsedIds | None = None
    """The ids that items had, if none may be given twice."""

    def read(self, value: object) -> tuple[_Item, ...]:
        """Check a list by itself; missing times are the epoch. Raises InvalidInput."""
        errors = Errors()
        items = self.update(value, (), 0, errors)
        errors.raise_any()
        return items

    def update(
        self, value: object, old: tuple[_Item, ...], now: int, errors: Errors
    ) -> tuple[_Item, ...]:
        """Read the list that replaces an old one; items with errors are left out.

        Items without an id get one that neither list has, and that was never used. Of items that
        the old list has under the same id, times that are omitted stay.
        """
        if not isinstance(value, list | tuple):
            errors.add("", "must be a list")
            return old
        before = {item.id: item for item in old}
        items = []
        for given, (number, key) in zip(
            value, self._assign_ids(value, before, errors), strict=True
        ):
            read = partial(self._read_item, number=number, old=before.get(number), now=now)
            item = errors.catch(key, read, given, None)
            if item is not None:
                items.append(item)
        return tuple(items)

    def put(
        self,
        old: tuple[_Item, ...],
        path: Sequence[str],
        value: object,
        now: int,
        errors: Errors,
    ) -> tuple[_Item, ...]:
        """Read a value that replaces a part of an old list; paths begin with the id of an item."""
        if not path:
            return self.update(value, old, now, errors)
        name, *rest = path
        item = find_item(old, _parse_id(name))
        if item is None:
            raise UnknownKey("", "the list has no item with this id")
        self._check_item_path(rest)

        def read(value: object) -> _Item:
            return self.read_item(put_at(item.to_builtins(), rest, value), item.id, item, now)

        return replace_item(old, item, errors.catch(name, read, value, item))

    def read_item(self, value: object, number: int, old: _Item | None, now: int) -> _Item:
        """Read a single item.

        Times that are omitted stay. A change sets ``updated``, unless the value changes it, too.

        Args:
            value: the item as parsed JSON.
            number: its id, which the value may omit, but not change.
            old: the item that it replaces, if any; returned if nothing changes.
            now: seconds since the epoch.

        Raises:
            InvalidInput: the item is not valid.

        """
        errors = Errors()
        if isinstance(value, dict) and "id" in value:
            given = errors.catch("id", ID.read, value["id"], number)
            if given != number:
                errors.add("id", "cannot be changed")
        read = partial(self._read_item, number=number, old=old, now=now)
        item = errors.catch("", read, value, None)
        if item is None or errors:
            raise errors.as_exception()
        return item

    def _read_item(self, value: object, number: int, old: _Item | None, now: int) -> _Item:
        if not isinstance(value, dict):
            raise invalid("must be an object")
        errors = Errors()
        keys = self.item_class.keys
        own = self._read_own(value, old, errors)
        times = {"created": now, "updated": now, "deleted": 0}
        if old is not None:
            times = {name: getattr(old, name) for name in TIMES}
        for name in TIMES:
            if name in value:
                times[name] = errors.catch(name, TIME.read, value[name], 0)
        for name in value:
            if name not in keys and name not in ("id", *TIMES):
                errors.add_unknown(name, ("id", *keys, *TIMES))
        errors.raise_any()
        item = self.item_class(id=number, **own, **times)
        if old is None or item == old:
            return old or item
        item = item.in_place_of(old)
        return item if item.updated != old.updated else attrs.evolve(item, updated=now)

    def _read_own(
        self, value: dict[str, object], old: _Item | None, errors: Errors
    ) -> dict[str, Any]:
        """Return the values of the item's own keys, by attribute."""
        keys = self.item_class.keys
        found = Errors()
        read = read_keys(value, keys, found, old=old)
        if found:
            # What older versions accepted may stay as it is: the user can still rename or delete
            # the item, and put back a whole document.
            kept = {} if old is None else _unchanged(value, old)
            rest = {name: key for name, key in keys.items() if name not in kept}
            read = read_keys(value, rest, errors, old=old) | kept
        return {key.attribute or name: read[name] for name, key in keys.items()}

    def free_ids(self, taken: Collection[int]) -> Iterator[int]:
        """Yield ids for new items: those that are not taken, and may be given."""
        return free_ids(taken) if self.used is None else self.used.free(taken)

    def write(self, value: tuple[_Item, ...]) -> list[dict[str, Any]]:
        """Return the items as builtins that JSON can represent."""
        return [item.to_builtins() for item in value]

    def encode(self, value: tuple[_Item, ...]) -> bytes:
        """Return the items as JSON text; each item caches its own."""
        return b"[%b]" % b",".join([item.encoded for item in value])

    def schema(self) -> Schema:
        """Return the schema of such lists."""
        keys = self.item_class.keys
        properties = {
            "id": ID.schema(),
            **{name: key.schema() for name, key in keys.items()},
            **{name: TIME.schema() for name in TIMES},
        }
        return {
            "type": "array",
            "items": {
                "type": "object",
                "title": self.item_class.__name__,
                "properties": properties,
                "required": [name for name, key in keys.items() if key.required],
                "additionalProperties": False,
            },
        }

    def _assign_ids(
        self, values: Sequence[object], before: Mapping[int, object], errors: Errors
    ) -> list[tuple[int, str]]:
        """Return the id of each item of a list, and its key in errors."""
        own: dict[int, int] = {}
        taken: set[int] = set()
        for position, value in enumerate(values):
            if isinstance(value, dict) and "id" in value:
                number = errors.catch(f"[{position}].id", ID.read, value["id"], None)
                if number in taken:
                    errors.add(f"[{position}].id", "is also the id of another item")
                elif number is not None:
                    own[position] = number
                    taken.add(number)
        free = self.free_ids(taken.union(before))
        return [
            (own[position], str(own[position]))
            if position in own
            else (next(free), f"[{position}]")
            for position in range(len(values))
        ]

    def _check_item_path(self, path: Sequence[str]) -> None:
        if not path:
            return
        name, *rest = path
        if name in self.item_class.keys:
            self.item_class.keys[name].form.check_path(rest)
        elif rest or name not in ("id", *TIMES):
            raise UnknownKey("", "the item has no such key")


def _unchanged(value: Mapping[str, object], old: Item) -> dict[str, Any]:
    """Return the values of an item's own keys that are given as the item has them already."""
    before = old.to_builtins()
    return {
        name: getattr(old, key.attribute or name)
        for name, key in old.keys.items()
        if name in value and _is_same_json(value[name], before[name])
    }


def _is_same_json(first: object, second: object) -> bool:
    # Python takes true for equal to 1, and 1 to 1.0.
    try:
        return encode_json(first) == encode_json(second)
    except InvalidJSON:
        return False


def find_item(items: Sequence[_Item], number: int | None) -> _Item | None:
    """Return the item with this id, whether it is deleted or not; None if there is none."""
    return next((item for item in items if item.id == number), None)


def replace_item(items: tuple[_Item, ...], old: _Item, new: _Item) -> tuple[_Item, ...]:
    """Return the items with a new one in place of an old one."""
    return items if new is old else tuple(new if each is old else each for each in items)


def free_ids(used: Collection[int]) -> Iterator[int]:
    """Yield ids that are not used.

    Those above the highest used id come first, since lower ones may have been in use before.
    """
    highest = max(used, default=0)
    numbers = chain(range(highest + 1, MAX_INT + 1), range(1, highest))
    return (number for number in numbers if number not in used)


def _parse_id(name: str) -> int | None:
    """Return the id in a dotted key; None if it is not written as an id is, such as ``01``."""
    number = int(name) if name.isascii() and name.isdigit() and len(name) <= 10 else None
    return number if str(number) == name else None
