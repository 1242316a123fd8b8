"""Forms made of other forms: a value or null, lists, and objects with known keys."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import attrs

from qabel.forms.errors import Errors, UnknownKey, invalid
from qabel.forms.form import Form, Schema, V

REQUIRED: Any = object()
"""Instead of a default: the key must be given."""

OMITTED: Any = object()
"""Instead of a default: a key that is not given has no value, as in a change of some keys."""


@attrs.frozen
class Key:
    """A key of an object.

    ``form`` is that of its values, ``default`` the value if it is omitted. ``description`` and
    ``examples`` are for the contract. ``attribute`` is the attribute of our object that has the
    value, unless it is named like the key.
    """

    form: Form[Any]
    default: Any = REQUIRED
    description: str = attrs.field(default="", kw_only=True)
    examples: Sequence[Any] = attrs.field(default=(), kw_only=True)
    attribute: str | None = attrs.field(default=None, kw_only=True)
    keeps: bool = attrs.field(default=False, kw_only=True)
    """Whether a document that omits the key leaves its value as it is: older clients do not know
    the key."""

    @property
    def required(self) -> bool:
        """Whether the key must be given."""
        return self.default is REQUIRED

    def schema(self) -> Schema:
        """Return the JSON Schema of the key's values, with default, description and examples."""
        schema = self.form.schema()
        if self.default not in (REQUIRED, OMITTED, None):
            schema = {**schema, "default": self.form.write(self.default)}
        if self.description:
            schema = {**schema, "description": self.description}
        return {**schema, "examples": list(self.examples)} if self.examples else schema


@attrs.frozen
class OrNull(Form[V | None]):
    """A value of another form, or null."""

    form: Form[V]

    def read(self, value: object) -> V | None:
        """Return None for null, or the value that the other form reads."""
        return None if value is None else self.form.read(value)

    def write(self, value: V | None) -> Any:
        """Return None for None, or what the other form writes."""
        return None if value is None else self.form.write(value)

    def schema(self) -> Schema:
        """Return the schema of null and the other form's values."""
        return {"anyOf": [self.form.schema(), {"type": "null"}]}


@attrs.frozen
class ListOf(Form[tuple[V, ...]]):
    """A list of ``shortest`` to ``longest`` values; without ids, it can only be set as a whole."""

    form: Form[V]
    longest: int
    shortest: int = attrs.field(default=0, kw_only=True)

    def read(self, value: object) -> tuple[V, ...]:
        """Check a list and each value in it."""
        if not isinstance(value, list | tuple):
            raise invalid("must be a list")
        self._check_length(len(value))
        errors = Errors()
        read: list[Any] = [
            errors.catch(str(index), self.form.read, each, None) for index, each in enumerate(value)
        ]
        errors.raise_any()
        return tuple(read)

    def read_text(self, text: str) -> tuple[V, ...]:
        """Check values that are separated by commas."""
        texts = text.split(",")
        self._check_length(len(texts))
        return tuple(self.form.read_text(each) for each in texts)

    def write(self, value: tuple[V, ...]) -> list[Any]:
        """Return the values, each as its form writes it."""
        return [self.form.write(each) for each in value]

    def check_path(self, path: Sequence[str]) -> None:
        """Raise UnknownKey for any path: values without ids have no keys."""
        if path:
            raise UnknownKey("", "a list of values without ids can only be set as a whole")

    def schema(self) -> Schema:
        """Return the schema of such lists."""
        least = {"minItems": self.shortest} if self.shortest else {}
        return {"type": "array", "items": self.form.schema(), **least, "maxItems": self.longest}

    def _check_length(self, length: int) -> None:
        if length > self.longest:
            raise invalid(f"must have at most {_entries(self.longest)}")
        if length < self.shortest:
            raise invalid(f"must have at least {_entries(self.shortest)}")


@attrs.frozen
class Object(Form[dict[str, Any]]):
    """An object with known keys only, read to a dict with the value of each key."""

    keys: Mapping[str, Key]
    title: str = attrs.field(default="", kw_only=True)
    """The name of such objects in the API document; may be empty."""

    @property
    def is_optional(self) -> bool:
        """Whether all keys may be omitted. Of changes at least one must be given."""
        return not any(key.default in (REQUIRED, OMITTED) for key in self.keys.values())

    def as_changes(self) -> "Object":
        """Return the form of changes: any of these keys, read to those that are given."""
        return Object({name: attrs.evolve(key, default=OMITTED) for name, key in self.keys.items()})

    def read(self, value: object) -> dict[str, Any]:
        """Check every key; those omitted have their defaults."""
        if not isinstance(value, dict):
            raise invalid("must be an object")
        return self._read(value, lambda form: form.read)

    def read_texts(self, texts: Mapping[str, str]) -> dict[str, Any]:
        """Check every key of an object whose values are untyped text, such as a query."""
        return self._read(texts, lambda form: form.read_text)

    def write(self, value: dict[str, Any]) -> dict[str, Any]:
        """Return the values, each as its form writes it."""
        return {name: self.keys[name].form.write(each) for name, each in value.items()}

    def schema(self) -> Schema:
        """Return the schema of such objects."""
        return {
            **({"title": self.title} if self.title else {}),
            "type": "object",
            "properties": {name: key.schema() for name, key in self.keys.items()},
            "required": [name for name, key in self.keys.items() if key.required],
            "additionalProperties": False,
        }

    def _read(
        self, value: Mapping[str, object], reader: Callable[[Form[Any]], Callable[[Any], Any]]
    ) -> dict[str, Any]:
        errors = Errors()
        read = read_keys(value, self.keys, errors, reader)
        add_unknown_keys(value, self.keys, errors)
        errors.raise_any()
        return read


@attrs.frozen
class ValueOf(Form[V]):
    """An object with known keys, read to an instance of a class that has them as attributes."""

    value_class: Callable[..., V]
    keys: Mapping[str, Key]

    def read(self, value: object) -> V:
        """Check every key; those omitted have their defaults."""
        return self._read(value, None)

    def update(self, value: object, old: V, now: int, errors: Errors) -> V:
        """Read the value that replaces an old one, of which omitted keys that are kept stay."""
        return errors.catch("", lambda given: self._read(given, old), value, old)

    def write(self, value: V) -> dict[str, Any]:
        """Return an object with all keys."""
        return {
            name: key.form.write(getattr(value, key.attribute or name))
            for name, key in self.keys.items()
        }

    def check_path(self, path: Sequence[str]) -> None:
        """Raise UnknownKey unless the path begins with a known key."""
        if path and path[0] not in self.keys:
            raise UnknownKey("", "no such key")
        if path:
            self.keys[path[0]].form.check_path(path[1:])

    def schema(self) -> Schema:
        """Return the schema of such objects."""
        title = getattr(self.value_class, "__name__", "")
        return Object(self.keys, title=title).schema()

    def _read(self, value: object, old: object) -> V:
        if not isinstance(value, dict):
            raise invalid("must be an object")
        errors = Errors()
        read = read_keys(value, self.keys, errors, old=old)
        add_unknown_keys(value, self.keys, errors)
        errors.raise_any()
        return self.value_class(
            **{key.attribute or name: read[name] for name, key in self.keys.items()}
        )


def read_keys(
    value: Mapping[str, object],
    keys: Mapping[str, Key],
    errors: Errors,
    reader: Callable[[Form[Any]], Callable[[Any], Any]] = lambda form: form.read,
    old: object = None,
) -> dict[str, Any]:
    """Return the value of each key.

    Args:
        value: an object; names that are not among the keys are ignored.
        keys: the keys by name.
        errors: collects what is wrong; the value of a key with an error is None.
        reader: returns the method of a form that checks a value.
        old: the object that has the values of omitted keys that are kept.

    """
    read = {}
    for name, key in keys.items():
        if name in value:
            read[name] = errors.catch(name, reader(key.form), value[name], None)
        elif key.required:
            errors.add_missing(name)
            read[name] = None
        elif key.keeps and old is not None:
            read[name] = getattr(old, key.attribute or name)
        elif key.default is not OMITTED:
            read[name] = key.default
    return read


def add_unknown_keys(names: Collection[str], known: Collection[str], errors: Errors) -> None:
    """Add an error for each name that is not a known key."""
    for name in names:
        if name not in known:
            errors.add_unknown(name, known)


def _entries(number: int) -> str:
    return "1 entry" if number == 1 else f"{number} entries"
