"""What modules keep in a settings document: an object for each, of whatever it likes."""

from collections.abc import Sequence
from typing import Any

import attrs
import msgspec

from qabel.forms.errors import Errors, invalid, shorten_name
from qabel.forms.form import Form, Schema
from qabel.jsontext import InvalidJSON
from qabel.jsontext import encode as encode_json
from qabel.jsontext import parse as parse_json

MAX_SIZE = 1024 * 1024
"""Bytes of the JSON text of one ``module_data``."""

MAX_DEPTH = 32
"""How deep objects and lists may lie in each other in one ``module_data``, itself included."""


@attrs.frozen(repr=False)
class ModuleData:
    """The objects of all modules, by name, as compact JSON text.

    As text two of them are equal only if all is: ``true`` differs from 1. And nobody who was given
    what is in it can change it.
    """

    text: bytes = b"{}"

    @property
    def value(self) -> dict[str, Any]:
        """The objects, by name, as a copy."""
        return msgspec.json.decode(self.text, type=dict[str, Any])

    @property
    def objects(self) -> dict[str, msgspec.Raw]:
        """The objects, by name, encoded."""
        return msgspec.json.decode(self.text, type=dict[str, msgspec.Raw])

    def __repr__(self) -> str:
        return f"<ModuleData of {len(self.text)} bytes>"


class ModuleDataForm(Form[ModuleData]):
    """``module_data``: any path below it is in shape."""

    def read(self, value: object) -> ModuleData:
        """Check that there is an object for each module, and take a copy."""
        if not isinstance(value, dict):
            raise invalid("must be an object, with an object for each module")
        if not value:
            return ModuleData()
        text = _text(value)
        errors = Errors()
        for name, data in value.items():
            if not isinstance(data, dict):
                errors.add(shorten_name(name), "must be an object: the data of one module")
        errors.raise_any()
        return ModuleData(text)

    def write(self, value: ModuleData) -> Any:
        """Give the objects, as a copy."""
        return value.value

    def encode(self, value: ModuleData) -> bytes:
        """Give the JSON text."""
        return value.text

    def check_path(self, path: Sequence[str]) -> None:
        """Take any path."""

    def schema(self) -> Schema:
        """Describe it."""
        return {"type": "object", "additionalProperties": {"type": "object"}}


def _text(value: object) -> bytes:
    try:
        text = encode_json(value)
        read = parse_json(text, MAX_DEPTH)
    except InvalidJSON as error:
        raise invalid(f"must be JSON: {error}") from None
    if read != value:
        raise invalid("must be JSON: a value is of a kind that JSON does not have")
    if len(text) > MAX_SIZE:
        raise invalid(f"must have at most {MAX_SIZE} bytes of JSON")
    return text
