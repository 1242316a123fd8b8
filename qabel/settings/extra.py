"""``extra``: what the file of an identity or a contact holds beyond the keys that we know."""

from collections.abc import Sequence
from typing import Any

import attrs
import msgspec

from qabel.forms.errors import invalid
from qabel.forms.form import Form, Schema
from qabel.forms.plain import ANY_OBJECT
from qabel.settings.module_data import encode_strictly

MAX_SIZE = 16 * 1024
"""Bytes of the JSON text of one ``extra``."""


@attrs.frozen(repr=False)
class Extra:
    """An object as compact JSON text, which makes it immutable. It may hold secrets."""

    text: bytes = b"{}"

    @property
    def value(self) -> dict[str, Any]:
        """A copy of the object."""
        return msgspec.json.decode(self.text, type=dict[str, Any])

    def __repr__(self) -> str:
        return f"<Extra of {len(self.text)} bytes>"


@attrs.frozen
class ExtraForm(Form[Extra]):
    """Any object of limited size, in which any path leads somewhere."""

    def read(self, value: object) -> Extra:
        """Check that it is an object of JSON, and return a copy."""
        if not isinstance(value, dict):
            raise invalid("must be an object")
        return Extra(encode_strictly(value, MAX_SIZE)) if value else Extra()

    def write(self, value: Extra) -> Any:
        """Return a copy of the object."""
        return value.value

    def encode(self, value: Extra) -> bytes:
        """Return the JSON text."""
        return value.text

    def check_path(self, path: Sequence[str]) -> None:
        """Accept any path."""

    def schema(self) -> Schema:
        """Return the schema of such objects."""
        return dict(ANY_OBJECT)
