"""Forms made of others: a value or null, lists, objects with known keys."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import attrs

from qabel.forms.errors import Errors, UnknownKey, invalid
from qabel.forms.form import Form, Schema, V

REQUIRED: Any = object()
"""In the place of a default: the key must be given."""

OMITTED: Any = object()
"""In the place of a default: a key that is not given is not there, as in a change of some keys."""


@attrs.frozen
class Key:
    """A key: what it takes, what it is if left out, and what the contract tells of it.

    ``attribute`` is where a document keeps it, if not under the key's own name.
    """

    form: Form[Any]
    default: Any = REQUIRED
    description: str = attrs.field(default="", kw_only=True)
    examples: Sequence[Any] = attrs.field(default=(), kw_only=True)
    attribute: str | None = attrs.field(default=None, kw_only=True)

    @property
    def required(self) -> bool:
        """Whether it must be given."""
        return self.default is REQUIRED

    def schema(self) -> Schema:
        """Describe it as JSON Schema."""
        schema = self.form.schema()
        if self.default not in (REQUIRED, OMITTED, None):
            schema = {**schema, "default": self.form.write(self.default)}
        if self.description:
            schema = {**schema, "description": self.description}
        return {**schema, "examples": list(self.examples)} if self.examples else schema


class OrNull(Form[V | None]):
    """Another form, or null."""

    def __init__(self, form: Form[V]) -> None:
        self._form = form

    def read(self, value: object) -> V | None:
        """Check the value, if there is one."""
        return None if value is None else self._form.read(value)

    def write(self, value: V | None) -> Any:
        """Return the value, if there is one."""
        return None if value is None else self._form.write(value)

    def schema(self) -> Schema:
        """Describe it."""
        return {"anyOf": [self._form.schema(), {"type": "null"}]}


class ListOf(Form[tuple[V, ...]]):
    """A list of values that have no ids: it is set as a whole."""

    def __init__(self, form: Form[V], longest: int, *, shortest: int = 0) -> None:
        """Take lists of ``shortest`` to ``longest`` entries."""
        self._form, self._longest, self._shortest = form, longest, shortest

    def read(self, value: object) -> tuple[V, ...]:
        """Check the list, and each value in it."""
        if not isinstance(value, list | tuple):
            raise invalid("must be a list")
        if len(value) > self._longest:
            raise invalid(f"must have at most {self._longest} entries")
        if len(value) < self._shortest:
            raise invalid(f"must have at least {self._shortest} entry")
        errors = Errors()
        read = [
            errors.catch(str(place), self._form.read, each, None)
            for place, each in enumerate(value)
        ]
        errors.raise_any()
        return tuple(each for each in read if each is not None)

    def read_text(self, text: str) -> tuple[V, ...]:
        """Check values with commas between them."""
        return self.read([self._form.read_text(each) for each in text.split(",")])

    def write(self, value: tuple[V, ...]) -> list[Any]:
        """Return the values, each as its form writes it."""
        return [self._form.write(each) for each in value]

    def find(self, path: Sequence[str]) -> None:
        """Raise UnknownKey for a place in the list."""
        if path:
            raise UnknownKey("", "a list like this one is set as a whole")

    def schema(self) -> Schema:
        """Describe it."""
        least = {"minItems": self._shortest} if self._shortest else {}
        return {
            "type": "array",
            "items": self._form.schema(),
            **least,
            "maxItems": self._longest,
        }


class Object(Form[dict[str, Any]]):
    """An object with known keys, and no others: read to a value for each key."""

    def __init__(self, keys: Mapping[str, Key]) -> None:
        self.keys = keys

    @property
    def is_optional(self) -> bool:
        """Whether it is whole with nothing given: a change of nothing is not."""
        return not any(key.default in (REQUIRED, OMITTED) for key in self.keys.values())

    def as_changes(self) -> "Object":
        """Return the object of changes: any of these keys, and only those that are given."""
        return Object({name: attrs.evolve(key, default=OMITTED) for name, key in self.keys.items()})

    def read(self, value: object) -> dict[str, Any]:
        """Check every key; what is left out takes its default."""
        if not isinstance(value, dict):
            raise invalid("must be an object")
        errors = Errors()
        read = read_keys(value, self.keys, errors)
        refuse_unknown(value, self.keys, errors)
        errors.raise_any()
        return read

    def read_texts(self, texts: Mapping[str, str]) -> dict[str, Any]:
        """Check the parameters of a query, which have no types of their own."""
        errors = Errors()
        read = {name: key.default for name, key in self.keys.items() if name not in texts}
        for name, text in texts.items():
            if name in self.keys:
                read[name] = errors.catch(name, self._text_reader(name), text, None)
        for name in (name for name, value in read.items() if value is REQUIRED):
            errors.add_missing(name)
        refuse_unknown(texts, self.keys, errors)
        errors.raise_any()
        return read

    def _text_reader(self, name: str) -> Callable[[object], Any]:
        form = self.keys[name].form
        return lambda text: form.read_text(str(text))

    def write(self, value: dict[str, Any]) -> dict[str, Any]:
        """Return the values, each as its form writes it."""
        return {name: self.keys[name].form.write(each) for name, each in value.items()}

    def schema(self) -> Schema:
        """Describe it."""
        return {
            "type": "object",
            "properties": {name: key.schema() for name, key in self.keys.items()},
            "required": [name for name, key in self.keys.items() if key.required],
            "additionalProperties": False,
        }


def read_keys(
    value: Mapping[str, object], keys: Mapping[str, Key], errors: Errors
) -> dict[str, Any]:
    """Return the value of each key; None for those with errors, which are noted."""
    read = {}
    for name, key in keys.items():
        if name in value:
            read[name] = errors.catch(name, key.form.read, value[name], None)
        elif key.required:
            errors.add_missing(name)
            read[name] = None
        elif key.default is not OMITTED:
            read[name] = key.default
    return read


def refuse_unknown(value: Collection[str], known: Collection[str], errors: Errors) -> None:
    """Note the keys that are not known: they may be misspelt."""
    for name in value:
        if name not in known:
            errors.add_unknown(name, known)
