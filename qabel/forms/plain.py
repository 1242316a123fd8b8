"""Forms of plain values: strings, numbers, booleans, and one of several."""

import re

import attrs

from qabel.forms.errors import invalid
from qabel.forms.form import Form, Schema

MAX_TEXT = 8192
"""Characters of a string, unless another limit is set."""

MAX_INT = 2**31 - 1
MIN_LONG, MAX_LONG = -(2**63), 2**63 - 1

ANY_OBJECT: Schema = {"title": "JSONObject", "type": "object", "additionalProperties": True}
"""The schema of any JSON object."""

_SWITCHES = {"": True, "1": True, "true": True, "0": False, "false": False}

_INTEGER = re.compile(r"-?[0-9]{1,19}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


@attrs.frozen
class Text(Form[str]):
    """A string of ``shortest`` to ``longest`` characters, without unpaired surrogates.

    If ``printable`` is set, it must have printable characters only, and not only spaces.
    """

    longest: int = MAX_TEXT
    shortest: int = attrs.field(default=0, kw_only=True)
    printable: bool = attrs.field(default=False, kw_only=True)

    def read(self, value: object) -> str:
        """Check a string."""
        if not isinstance(value, str):
            raise invalid("must be a string")
        if not self.shortest <= len(value) <= self.longest:
            raise invalid(f"must have {self._lengths()} characters")
        if self.printable and not value.isprintable():
            raise invalid("must contain only printable characters")
        if self.printable and not value.strip():
            raise invalid("must not be blank")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise invalid("must not contain an unpaired surrogate") from None
        return value

    def write(self, value: str) -> str:
        """Return the string unchanged."""
        return value

    def schema(self) -> Schema:
        """Return the schema of such strings."""
        least = {"minLength": self.shortest} if self.shortest else {}
        return {"type": "string", **least, "maxLength": self.longest}

    def _lengths(self) -> str:
        return f"{self.shortest} to {self.longest}" if self.shortest else f"at most {self.longest}"


@attrs.frozen
class Integer(Form[int]):
    """An integer from ``least`` to ``most``."""

    least: int
    most: int

    def read(self, value: object) -> int:
        """Check an integer; ``true``, ``5.0`` and ``"5"`` are not integers."""
        if type(value) is not int or not self.least <= value <= self.most:
            raise invalid(f"must be an integer from {self.least} to {self.most}")
        return value

    def read_text(self, text: str) -> int:
        """Check decimal digits, with or without a minus sign."""
        return self.read(int(text) if _INTEGER.fullmatch(text) else None)

    def write(self, value: int) -> int:
        """Return the integer unchanged."""
        return value

    def schema(self) -> Schema:
        """Return the schema of such integers."""
        size = "int32" if self.most <= MAX_INT else "int64"
        return {"type": "integer", "format": size, "minimum": self.least, "maximum": self.most}


@attrs.frozen
class Number(Form[float]):
    """A number from ``least`` to ``most``, whole or not."""

    least: float
    most: float

    def read(self, value: object) -> float:
        """Check a number, and keep its type; ``true`` and ``"5"`` are not numbers."""
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not self.least <= value <= self.most
        ):
            raise invalid(f"must be a number from {self.least:.12g} to {self.most:.12g}")
        return value

    def read_text(self, text: str) -> float:
        """Check a decimal number, with or without an exponent."""
        return self.read(float(text) if _NUMBER.fullmatch(text) else None)

    def write(self, value: float) -> float:
        """Return the number unchanged."""
        return value

    def schema(self) -> Schema:
        """Return the schema of such numbers."""
        return {"type": "number", "minimum": self.least, "maximum": self.most}


@attrs.frozen
class Flag(Form[bool]):
    """True or false."""

    def read(self, value: object) -> bool:
        """Check a boolean; 1 and 0 are not booleans."""
        if not isinstance(value, bool):
            raise invalid("must be true or false")
        return value

    def write(self, value: bool) -> bool:
        """Return the boolean unchanged."""
        return value

    def schema(self) -> Schema:
        """Return the schema of booleans."""
        return {"type": "boolean"}


@attrs.frozen
class Present(Flag):
    """A parameter of a query that is true if it is present, as in ``?ready``, or says so."""

    def read_text(self, text: str) -> bool:
        """Check that there is no value, or one that means true or false."""
        if text not in _SWITCHES:
            raise invalid("must have no value, or true or false")
        return _SWITCHES[text]


@attrs.frozen
class Choice(Form[str]):
    """One of several strings."""

    known: tuple[str, ...]
    title: str = attrs.field(default="", kw_only=True)
    """The name of the choice in the API document; may be empty."""

    def read(self, value: object) -> str:
        """Check that the value is one of the strings."""
        if not isinstance(value, str) or value not in self.known:
            raise invalid(f"must be one of {', '.join(self.known)}")
        return value

    def write(self, value: str) -> str:
        """Return the string unchanged."""
        return value

    def schema(self) -> Schema:
        """Return the schema of the strings."""
        title = {"title": self.title} if self.title else {}
        return {**title, "type": "string", "enum": list(self.known)}


@attrs.frozen
class OpenChoice(Choice):
    """One of several strings, or another one of a pattern."""

    pattern: str

    def read(self, value: object) -> str:
        """Check that the value is one of the strings, or has the pattern."""
        if isinstance(value, str) and re.fullmatch(self.pattern, value):
            return value
        return super().read(value)

    def schema(self) -> Schema:
        """Return the schema of the strings."""
        return {"anyOf": [super().schema(), {"type": "string", "pattern": f"^{self.pattern}$"}]}


@attrs.frozen
class Constant(Form[object]):
    """One fixed value, for a key that may as well be omitted."""

    value: object

    def read(self, value: object) -> object:
        """Check that it is the fixed value, and of its type: ``true`` is not 1."""
        if type(value) is not type(self.value) or value != self.value:
            raise invalid(f"must be {self.value} or omitted")
        return value

    def write(self, value: object) -> object:
        """Return the value unchanged."""
        return value

    def schema(self) -> Schema:
        """Return the schema of the fixed value."""
        return {"const": self.value}


@attrs.frozen
class Anything(Form[object]):
    """Any JSON value."""

    def read(self, value: object) -> object:
        """Return the value unchanged."""
        return value

    def write(self, value: object) -> object:
        """Return the value unchanged."""
        return value

    def schema(self) -> Schema:
        """Return the schema that every value matches."""
        return {}
