"""Lists of items: ids are given, times are kept, and each item is addressed by its id."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, TypeVar

import attrs

from qabel.forms.compound import read_keys
from qabel.forms.errors import Errors, UnknownKey, invalid
from qabel.forms.form import Form, Schema, put_at
from qabel.forms.plain import MAX_INT
from qabel.settings.items import ID, TIME, TIMES, Item

_Item = TypeVar("_Item", bound=Item)


class ItemList(Form[tuple[_Item, ...]]):
    """A list of items of one kind."""

    def __init__(self, kind: type[_Item]) -> None:
        self.kind = kind

    def read(self, value: object) -> tuple[_Item, ...]:
        """Check a list on its own; missing times are those of 1970. Raises InvalidInput."""
        errors = Errors()
        items = self.update(value, (), 0, errors)
        errors.raise_any()
        return items

    def update(
        self, value: object, old: tuple[_Item, ...], now: int, errors: Errors
    ) -> tuple[_Item, ...]:
        """Read what is to stand in the place of the old list; items with errors are left out."""
        if not isinstance(value, list | tuple):
            errors.add("", "must be a list")
            return old
        before = {item.id: item for item in old}
        items = []
        for given, (number, place) in zip(value, _numbered(value, before, errors), strict=True):
            previous = before.get(number)

            def read(given: object, number: int = number, old: _Item | None = previous) -> _Item:
                return self._read_item(given, number, old, now)

            item = errors.catch(place, read, given, None)
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
        """Put a value at a path that begins with the id of an item. Raises UnknownKey."""
        if not path:
            return self.update(value, old, now, errors)
        name, *rest = path
        item = find_item(old, _id(name))
        if item is None:
            raise UnknownKey("", "no item of the list has this id")
        self._find(rest)

        def read(value: object) -> _Item:
            return self.read_item(put_at(item.to_builtins(), rest, value), item.id, item, now)

        return replaced(old, item, errors.catch(name, read, value, item))

    def read_item(self, value: object, number: int, old: _Item | None, now: int) -> _Item:
        """Read the item with this id, which is to stand in the place of the old one, if any.

        Times that are left out stay what they were; a change sets ``updated`` unless it writes
        another one itself. Raises InvalidInput.
        """
        errors = Errors()
        if isinstance(value, dict) and "id" in value:
            given = errors.catch("id", ID.read, value["id"], number)
            if given != number:
                errors.add("id", "must stay as it is")
        item = errors.catch("", lambda it: self._read_item(it, number, old, now), value, None)
        if item is None or errors:
            raise errors.as_exception()
        return item

    def _read_item(self, value: object, number: int, old: _Item | None, now: int) -> _Item:
        if not isinstance(value, dict):
            raise invalid("must be an object")
        errors = Errors()
        members = self.kind.members
        read = read_keys(value, members, errors)
        own = {key.attribute or name: read[name] for name, key in members.items()}
        times = {"created": now, "updated": now, "deleted": 0}
        if old is not None:
            times = {name: getattr(old, name) for name in TIMES}
        for name in TIMES:
            if name in value:
                times[name] = errors.catch(name, TIME.read, value[name], 0)
        for name in value:
            if name not in members and name not in ("id", *TIMES):
                errors.add_unknown(name, ("id", *members, *TIMES))
        errors.raise_any()
        item = self.kind(id=number, **own, **times)
        if old is None or item == old:
            return old or item
        return item if item.updated != old.updated else attrs.evolve(item, updated=now)

    def write(self, value: tuple[_Item, ...]) -> list[dict[str, Any]]:
        """Give the items as what JSON is made of."""
        return [item.to_builtins() for item in value]

    def encode(self, value: tuple[_Item, ...]) -> bytes:
        """Write the items as JSON text; each remembers its own."""
        return b"[%b]" % b",".join([item.encoded for item in value])

    def schema(self) -> Schema:
        """Describe it."""
        members = self.kind.members
        properties = {
            "id": ID.schema(),
            **{name: member.schema() for name, member in members.items()},
            **{name: TIME.schema() for name in TIMES},
        }
        return {
            "type": "array",
            "items": {
                "type": "object",
                "title": self.kind.__name__,
                "properties": properties,
                "required": [name for name, member in members.items() if member.required],
                "additionalProperties": False,
            },
        }

    def _find(self, path: Sequence[str]) -> None:
        if not path:
            return
        name, *rest = path
        if name in self.kind.members:
            self.kind.members[name].form.check_path(rest)
        elif rest or name not in ("id", *TIMES):
            raise UnknownKey("", "the item has no such key")


def find_item(items: Sequence[_Item], number: int | None) -> _Item | None:
    """Give the item with this id, deleted or not."""
    return next((item for item in items if item.id == number), None)


def replaced(items: tuple[_Item, ...], old: _Item, new: _Item) -> tuple[_Item, ...]:
    """Give the items with a new one in the place of an old one."""
    return items if new is old else tuple(new if each is old else each for each in items)


def free_ids(used: Collection[int]) -> Iterator[int]:
    """Give ids that no item has had, as far as that is known: those behind the highest first."""
    highest = max(used, default=0)
    numbers = chain(range(highest + 1, MAX_INT + 1), range(1, highest))
    return (number for number in numbers if number not in used)


def _numbered(
    values: Sequence[object], before: Mapping[int, object], errors: Errors
) -> list[tuple[int, str]]:
    """Give each item of a list its id, and its place in errors."""
    own: dict[int, int] = {}
    taken: set[int] = set()
    for position, value in enumerate(values):
        if isinstance(value, dict) and "id" in value:
            number = errors.catch(f"[{position}].id", ID.read, value["id"], None)
            if number in taken:
                errors.add(f"[{position}].id", "is the id of another item of the list too")
            elif number is not None:
                own[position] = number
                taken.add(number)
    free = free_ids(taken.union(before))
    return [
        (own[position], str(own[position])) if position in own else (next(free), f"[{position}]")
        for position in range(len(values))
    ]


def _id(name: str) -> int | None:
    """Read an id as it stands in a dotted key: the one way in which it is written."""
    number = int(name) if name.isascii() and name.isdigit() and len(name) <= 10 else None
    return number if str(number) == name else None
