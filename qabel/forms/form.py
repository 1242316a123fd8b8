"""The interface of all forms: read and check input, write it, describe it as JSON Schema."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from qabel.forms.errors import Errors, InvalidInput, UnknownKey, invalid, shorten_name
from qabel.jsontext import encode as encode_json

MAX_PATH = 64
"""Names that a dotted key below a value may have."""

V = TypeVar("V")

Schema = dict[str, Any]
"""A JSON Schema (2020-12)."""


class Form(ABC, Generic[V]):
    """The values that are valid at one key of the input, as JSON and as we hold them."""

    @abstractmethod
    def read(self, value: object) -> V:
        """Check parsed JSON and return the value that it stands for. Raises InvalidInput."""

    @abstractmethod
    def write(self, value: V) -> Any:
        """Return the value as builtins that JSON can represent; they share nothing with it."""

    @abstractmethod
    def schema(self) -> Schema:
        """Return the JSON Schema of what ``read`` accepts."""

    def read_text(self, text: str) -> V:
        """Check untyped text, as from a query, and return its value. Raises InvalidInput."""
        return self.read(text)

    def encode(self, value: V) -> bytes:
        """Return the value as JSON text in UTF-8."""
        return encode_json(self.write(value))

    def update(self, value: object, old: V, now: int, errors: Errors) -> V:
        """Read the value that replaces an old one.

        Args:
            value: parsed JSON.
            old: the value that it replaces.
            now: seconds since the epoch.
            errors: collects what is wrong.

        Returns:
            The new value; the old one if there are errors.

        """
        return errors.catch("", self.read, value, old)

    def put(self, old: V, path: Sequence[str], value: object, now: int, errors: Errors) -> V:
        """Read a value that replaces a part of an old one.

        Args:
            old: the value to change.
            path: the names of the dotted key that leads to the part; the whole value if empty.
            value: parsed JSON.
            now: seconds since the epoch.
            errors: collects what is wrong.

        Returns:
            The changed value; the old one if there are errors.

        Raises:
            UnknownKey: the path leads nowhere.

        """
        self.check_path(path)
        whole = errors.catch("", lambda part: put_at(self.write(old), path, part), value, None)
        return old if errors else self.update(whole, old, now, errors)

    def check_path(self, path: Sequence[str]) -> None:
        """Raise UnknownKey if no value of this form has anything at the path."""
        if path:
            raise UnknownKey("", "this value has no keys")


def put_at(target: object, path: Sequence[str], value: object) -> object:
    """Return a copy of an object with a value at a path.

    Objects that are missing on the way are made. Raises InvalidInput if something else than an
    object is on the way, or the path is too long.
    """
    if not path:
        return value
    if len(path) > MAX_PATH:
        raise invalid(f"is nested too deeply: at most {MAX_PATH} levels")
    if not isinstance(target, dict):
        raise invalid("is not an object, so it has no keys")
    name, *rest = path
    try:
        inner = put_at(target.get(name, {}), rest, value)
    except InvalidInput as error:
        raise InvalidInput(each.under(shorten_name(name)) for each in error.errors) from None
    return {**target, name: inner}
