"""Forms of plain values: strings, numbers, truth values, and one of several."""

from collections.abc import Sequence
from math import isfinite

from qabel.forms.errors import invalid
from qabel.forms.form import Form, Schema

MAX_TEXT = 8192
"""Characters of a string."""

MAX_INT = 2**31 - 1
MIN_LONG, MAX_LONG = -(2**63), 2**63 - 1


class Text(Form[str]):
    """STR: any characters, but no half surrogate pairs, and not too many."""

    def __init__(
        self, longest: int = MAX_TEXT, *, shortest: int = 0, printable: bool = False
    ) -> None:
        """Take strings of ``shortest`` to ``longest`` characters, ``printable`` ones only."""
        self._longest, self._shortest, self._printable = longest, shortest, printable

    def read(self, value: object) -> str:
        """Check a string."""
        if not isinstance(value, str):
            raise invalid("must be a string")
        if not self._shortest <= len(value) <= self._longest:
            raise invalid(f"must have {self._size()} characters")
        if self._printable and not (value.isprintable() and value.strip()):
            raise invalid("must have printable characters only, and not only blanks")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise invalid("must not have an unpaired surrogate") from None
        return value

    def write(self, value: str) -> str:
        """Return the string as it is."""
        return value

    def schema(self) -> Schema:
        """Describe it."""
        least = {"minLength": self._shortest} if self._shortest else {}
        return {"type": "string", **least, "maxLength": self._longest}

    def _size(self) -> str:
        return (
            f"{self._shortest} to {self._longest}" if self._shortest else f"at most {self._longest}"
        )


class Integer(Form[int]):
    """INT or LONG: an integer within bounds."""

    def __init__(self, least: int, most: int) -> None:
        self._least, self._most = least, most

    def read(self, value: object) -> int:
        """Check an integer: ``true`` is none, nor is ``5.0`` or ``"5"``."""
        if type(value) is not int or not self._least <= value <= self._most:
            raise invalid(f"must be an integer from {self._least} to {self._most}")
        return value

    def read_text(self, text: str) -> int:
        """Check decimal digits."""
        digits = text.removeprefix("-")
        is_number = digits.isascii() and digits.isdecimal() and len(digits) <= 19
        return self.read(int(text) if is_number else None)

    def write(self, value: int) -> int:
        """Return the integer as it is."""
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
            raise invalid("must be a number")
        if not (self._least <= value <= self._most and isfinite(value)):
            raise invalid(f"must be from {self._least:.12g} to {self._most:.12g}")
        return value

    def read_text(self, text: str) -> float:
        """Check a number in decimal digits."""
        try:
            return self.read(float(text))
        except ValueError:
            raise invalid(
                f"must be a number from {self._least:.12g} to {self._most:.12g}"
            ) from None

    def write(self, value: float) -> float:
        """Return the number as it is."""
        return value

    def schema(self) -> Schema:
        """Describe it."""
        return {"type": "number", "minimum": self._least, "maximum": self._most}


class Flag(Form[bool]):
    """BOOL."""

    def read(self, value: object) -> bool:
        """Check a truth value: 1 is none."""
        if not isinstance(value, bool):
            raise invalid("must be true or false")
        return value

    def write(self, value: bool) -> bool:
        """Return the value as it is."""
        return value

    def schema(self) -> Schema:
        """Describe it."""
        return {"type": "boolean"}


class Present(Flag):
    """A parameter that says yes by being there."""

    def read_text(self, text: str) -> bool:
        """Check that it has no value, or one that says yes."""
        if text not in ("", "1", "true"):
            raise invalid("takes no value")
        return True

    def schema(self) -> Schema:
        """Describe it."""
        return {"type": "string", "enum": ["", "1", "true"]}


class Choice(Form[str]):
    """One of several strings."""

    def __init__(self, known: Sequence[str]) -> None:
        self._known = tuple(known)

    def read(self, value: object) -> str:
        """Check that it is one of them."""
        if not isinstance(value, str) or value not in self._known:
            raise invalid(f"must be one of {', '.join(self._known)}")
        return value

    def write(self, value: str) -> str:
        """Return the string as it is."""
        return value

    def schema(self) -> Schema:
        """Describe it."""
        return {"enum": list(self._known)}


class Constant(Form[object]):
    """One value, which is left out as well as given."""

    def __init__(self, value: object) -> None:
        self._value = value

    def read(self, value: object) -> object:
        """Check that it is that value: ``true`` is not 1."""
        if type(value) is not type(self._value) or value != self._value:
            raise invalid(f"must be {self._value}, or left out")
        return value

    def write(self, value: object) -> object:
        """Return the value as it is."""
        return value

    def schema(self) -> Schema:
        """Describe it."""
        return {"const": self._value}


class Anything(Form[object]):
    """Any JSON value."""

    def read(self, value: object) -> object:
        """Take it."""
        return value

    def write(self, value: object) -> object:
        """Return it as it is."""
        return value

    def schema(self) -> Schema:
        """Describe it."""
        return {}
