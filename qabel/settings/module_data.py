"""``module_data``: what modules store in a settings document, one object for each module."""

from collections.abc import Sequence
from typing import Any

import attrs
import msgspec

from qabel.forms.errors import Errors, invalid, shorten_name
from qabel.forms.form import Form, Schema
from qabel.forms.plain import ANY_OBJECT
from qabel.jsontext import InvalidJSON
from qabel.jsontext import encode as encode_json
from qabel.jsontext import parse as parse_json
from qabel.settings.stored import digits

MAX_SIZE = 1024 * 1024
"""Bytes of the JSON text of one ``module_data``."""

MAX_DEPTH = 32
"""Levels of nested objects and lists in one ``module_data``, itself included."""


@attrs.frozen(repr=False)
class ModuleData:
    """The objects of all modules, by name, as compact JSON text.

    Text makes it immutable, and tells ``true`` from 1, which Python takes for equal.
    """

    text: bytes = b"{}"

    @property
    def value(self) -> dict[str, Any]:
        """A copy of the objects, by name."""
        return msgspec.json.decode(self.text, type=dict[str, Any])

    @property
    def objects(self) -> dict[str, msgspec.Raw]:
        """The objects by name, each as JSON text."""
        return msgspec.json.decode(self.text, type=dict[str, msgspec.Raw])

    def __repr__(self) -> str:
        return f"<ModuleData of {len(self.text)} bytes>"


@attrs.frozen
class ModuleDataForm(Form[ModuleData]):
    """An object with an object for each module, in which any path leads somewhere."""

    def read(self, value: object) -> ModuleData:
        """Check that each module has an object, and return a copy."""
        if not isinstance(value, dict):
            raise invalid("must be an object with one object per module")
        if not value:
            return ModuleData()
        text = encode_strictly(value, MAX_SIZE)
        errors = Errors()
        for name, data in value.items():
            if not isinstance(data, dict):
                errors.add(shorten_name(name), "must be an object: the data of a module")
        errors.raise_any()
        return ModuleData(text)

    def write(self, value: ModuleData) -> Any:
        """Return a copy of the objects."""
        return value.value

    def encode(self, value: ModuleData) -> bytes:
        """Return the JSON text."""
        return value.text

    def check_path(self, path: Sequence[str]) -> None:
        """Accept any path."""

    def schema(self) -> Schema:
        """Return the schema of such objects."""
        return {"type": "object", "additionalProperties": dict(ANY_OBJECT)}


def encode_strictly(value: object, most: int) -> bytes:
    """Return a value as compact JSON text of at most so many bytes. Raises InvalidInput."""
    try:
        text = encode_json(value)
        read = parse_json(text, MAX_DEPTH, digits=digits())
    except InvalidJSON as error:
        raise invalid(f"must be JSON: {error}") from None
    if read != value:
        raise invalid("must be JSON: a value has a type that JSON cannot represent")
    if len(text) > most:
        raise invalid(f"must not exceed {most} bytes of JSON")
    return text
