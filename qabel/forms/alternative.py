"""A form of objects of two kinds, told apart by a key that only one of them has."""

from typing import Any

import attrs

from qabel.forms.compound import Object
from qabel.forms.form import Schema


@attrs.frozen
class ObjectOrOther(Object):
    """An object with these keys, or one that has the key ``mark``, which the other form reads."""

    mark: str
    other: Object

    def read(self, value: object) -> dict[str, Any]:
        """Check every key of the kind of object that it is."""
        if isinstance(value, dict) and self.mark in value:
            return self.other.read(value)
        return super().read(value)

    def schema(self) -> Schema:
        """Return the schema of both kinds of objects."""
        return {"anyOf": [super().schema(), self.other.schema()]}
