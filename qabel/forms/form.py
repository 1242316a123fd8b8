"""What a form is: it reads and checks, writes, and says what it takes as JSON Schema."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from qabel.forms.errors import Errors, InvalidInput, UnknownKey, invalid, shown
from qabel.jsontext import encode as encode_json

MAX_PATH = 64
"""Names in a dotted key."""

V = TypeVar("V")
Schema = dict[str, Any]


class Form(ABC, Generic[V]):
    """What may stand at one place of the input."""

    @abstractmethod
    def read(self, value: object) -> V:
        """Check parsed JSON, and return our value of it. Raises InvalidInput."""

    @abstractmethod
    def write(self, value: V) -> Any:
        """Return the value as what JSON is made of; nothing in it is shared with the value."""

    @abstractmethod
    def schema(self) -> Schema:
        """Describe it as JSON Schema."""

    def read_text(self, text: str) -> V:
        """Check a text that has no type of its own, as in a query. Raises InvalidInput."""
        return self.read(text)

    def encode(self, value: V) -> bytes:
        """Write the value as JSON text."""
        return encode_json(self.write(value))

    def update(self, value: object, old: V, now: int, errors: Errors) -> V:
        """Read what is to stand in the place of ``old``; that stays where errors are noted."""
        return errors.catch("", self.read, value, old)

    def put(self, old: V, path: Sequence[str], value: object, now: int, errors: Errors) -> V:
        """Put a value at a path below the old one. Raises UnknownKey."""
        self.find(path)
        whole = errors.catch("", lambda value: put(self.write(old), path, value), value, None)
        return old if errors else self.update(whole, old, now, errors)

    def find(self, path: Sequence[str]) -> None:
        """Raise UnknownKey if the path leads out of the shape."""
        if path:
            raise UnknownKey("", "there are no keys below this value")


def put(target: object, path: Sequence[str], value: object) -> object:
    """Return ``target`` with a value at a path, making objects on the way where there are none."""
    if not path:
        return value
    if len(path) > MAX_PATH:
        raise invalid(f"is nested too deeply: at most {MAX_PATH} levels")
    if not isinstance(target, dict):
        raise invalid("is not an object, so nothing can be put into it")
    name, *rest = path
    try:
        inner = put(target.get(name, {}), rest, value)
    except InvalidInput as error:
        raise InvalidInput(each.under(shown(name)) for each in error.errors) from None
    return {**target, name: inner}
