"""Forms: what stands at a place of a settings document, as JSON and as a value of ours.

A form reads and checks, writes, and says what it takes as JSON Schema. Those for plain values are
here; those with keys and URLs in ``qabel_forms``, those for lists of items in ``item_lists``.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from math import isfinite
from typing import Any, Generic, TypeVar

import attrs

from qabel.forms.errors import Faults, InvalidDocument, UnknownKey, shown, wrong
from qabel.jsontext import encode as encode_json

MAX_TEXT = 8192
"""Characters of a text."""

MAX_INT = 2**31 - 1
MIN_LONG, MAX_LONG = -(2**63), 2**63 - 1

REQUIRED: Any = object()
"""In the place of a default: the key may not be left out."""

MAX_PATH = 64
"""Names in a dotted key."""

V = TypeVar("V")
Schema = dict[str, Any]


class Form(ABC, Generic[V]):
    """What may stand at one place."""

    @abstractmethod
    def read(self, value: object) -> V:
        """Check parsed JSON, and make our value of it. Raises InvalidDocument."""

    @abstractmethod
    def write(self, value: V) -> Any:
        """Give the value as what JSON is made of; nothing in it is shared with the value."""

    @abstractmethod
    def schema(self) -> Schema:
        """Describe it as JSON Schema."""

    def encode(self, value: V) -> bytes:
        """Write the value as JSON text."""
        return encode_json(self.write(value))

    def update(self, value: object, old: V, now: int, faults: Faults) -> V:
        """Read what is to stand in the place of ``old``; that stays where faults are noted."""
        return faults.catch("", self.read, value, old)

    def put(self, old: V, path: Sequence[str], value: object, now: int, faults: Faults) -> V:
        """Put a value at a path below the old one. Raises UnknownKey."""
        self.find(path)
        whole = faults.catch("", lambda value: put(self.write(old), path, value), value, None)
        return old if faults else self.update(whole, old, now, faults)

    def find(self, path: Sequence[str]) -> None:
        """Raise UnknownKey if the path leads out of the shape."""
        if path:
            raise UnknownKey("", "there are no keys below this value")


@attrs.frozen
class Member:
    """A key: the attribute that it stands for, what it takes, and what it is if left out."""

    attribute: str
    form: Form[Any]
    default: Any = REQUIRED

    @property
    def required(self) -> bool:
        """Whether it may not be left out."""
        return self.default is REQUIRED

    def schema(self) -> Schema:
        """Describe it as JSON Schema."""
        schema = self.form.schema()
        return schema if self.required else {**schema, "default": self.form.write(self.default)}


def put(target: object, path: Sequence[str], value: object) -> object:
    """Give ``target`` with a value at a path, making objects on the way where there are none."""
    if not path:
        return value
    if len(path) > MAX_PATH:
        raise wrong("lies too deep")
    if not isinstance(target, dict):
        raise wrong("is no object: nothing can be put into it")
    name, *rest = path
    try:
        inner = put(target.get(name, {}), rest, value)
    except InvalidDocument as error:
        raise InvalidDocument(each.under(shown(name)) for each in error.faults) from None
    return {**target, name: inner}


class Text(Form[str]):
    """STR: any characters, but no half surrogate pairs, and not too many."""

    def __init__(self, longest: int = MAX_TEXT) -> None:
        self._longest = longest

    def read(self, value: object) -> str:
        """Check a text."""
        if not isinstance(value, str):
            raise wrong("must be a text")
        if len(value) > self._longest:
            raise wrong(f"must have at most {self._longest} characters")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise wrong("must not have half of a surrogate pair") from None
        return value

    def write(self, value: str) -> str:
        """Give the text as it is."""
        return value

    def schema(self) -> Schema:
        """Describe it."""
        return {"type": "string", "maxLength": self._longest}


class Whole(Form[int]):
    """INT or LONG: a whole number within bounds."""

    def __init__(self, least: int, most: int) -> None:
        self._least, self._most = least, most

    def read(self, value: object) -> int:
        """Check a whole number: ``true`` is none, nor is ``5.0`` or ``"5"``."""
        if type(value) is not int or not self._least <= value <= self._most:
            raise wrong(f"must be a whole number from {self._least} to {self._most}")
        return value

    def write(self, value: int) -> int:
        """Give the number as it is."""
        return value

    def schema(self) -> Schema:
        """Describe it."""
        size = "int32" if self._most <= MAX_INT else "int64"
        return {"type": "integer", "format": size, "minimum": self._least, "maximum": self._most}


class Number(Form[float]):
    """NUM: a number within bounds, whole or not."""

    def __init__(self, least: float, most: float) -> None:
        self._least, self._most = least, most

    def read(self, value: object) -> float:
        """Check a number: ``true`` is none, nor is ``"5"``."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise wrong("must be a number")
        if not (self._least <= value <= self._most and isfinite(value)):
            raise wrong(f"must be from {self._least} to {self._most}")
        return value

    def write(self, value: float) -> float:
        """Give the number as it is."""
        return value

    def schema(self) -> Schema:
        """Describe it."""
        return {"type": "number", "minimum": self._least, "maximum": self._most}


class Flag(Form[bool]):
    """BOOL."""

    def read(self, value: object) -> bool:
        """Check a truth value: 1 is none."""
        if not isinstance(value, bool):
            raise wrong("must be true or false")
        return value

    def write(self, value: bool) -> bool:
        """Give the value as it is."""
        return value

    def schema(self) -> Schema:
        """Describe it."""
        return {"type": "boolean"}


class OrNull(Form[V | None]):
    """Another form, or null."""

    def __init__(self, form: Form[V]) -> None:
        self._form = form

    def read(self, value: object) -> V | None:
        """Check the value, if there is one."""
        return None if value is None else self._form.read(value)

    def write(self, value: V | None) -> Any:
        """Give the value, if there is one."""
        return None if value is None else self._form.write(value)

    def schema(self) -> Schema:
        """Describe it."""
        return {"anyOf": [self._form.schema(), {"type": "null"}]}


class ListOf(Form[tuple[V, ...]]):
    """A list of values that have no ids: it is set as a whole."""

    def __init__(self, form: Form[V], longest: int) -> None:
        self._form, self._longest = form, longest

    def read(self, value: object) -> tuple[V, ...]:
        """Check the list, and each value in it."""
        if not isinstance(value, list | tuple):
            raise wrong("must be a list")
        if len(value) > self._longest:
            raise wrong(f"must have at most {self._longest} entries")
        faults = Faults()
        read = [
            faults.catch(str(place), self._form.read, each, None)
            for place, each in enumerate(value)
        ]
        faults.raise_any()
        return tuple(each for each in read if each is not None)

    def write(self, value: tuple[V, ...]) -> list[Any]:
        """Give the values, each as its form writes it."""
        return [self._form.write(each) for each in value]

    def find(self, path: Sequence[str]) -> None:
        """Raise UnknownKey for a place in the list."""
        if path:
            raise UnknownKey("", "a list like this one is set as a whole")

    def schema(self) -> Schema:
        """Describe it."""
        return {"type": "array", "items": self._form.schema(), "maxItems": self._longest}


def read_object(
    value: object, required: Collection[str], optional: Collection[str] = ()
) -> Mapping[str, Any]:
    """Check that a value is an object with the keys that it needs, and no others.

    Raises InvalidDocument.
    """
    if not isinstance(value, dict):
        raise wrong("must be an object")
    faults = Faults()
    for key in required:
        if key not in value:
            faults.add(key, "is required")
    for key in value:
        if key not in required and key not in optional:
            faults.add(shown(key), "is not known")
    faults.raise_any()
    return value
