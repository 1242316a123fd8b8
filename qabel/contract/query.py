"""Parameters in the query of a request, each checked before a handler sees it."""

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from attrs import field, frozen

from qabel.contract.rejection import rejected
from qabel.settings.document import Fault

MAX_ID = 2**63 - 1


@frozen
class Parameter:
    """A parameter: how it is read, what it is without, and how the contract tells of it."""

    name: str
    read: Callable[[str], Any] = field(repr=False)
    """Gives the value of a text; raises ValueError that says what it must be."""
    default: Any
    description: str
    schema: Mapping[str, Any]


def read_query(
    parameters: Mapping[str, Parameter], args: Mapping[bytes, list[bytes]]
) -> dict[str, Any]:
    """Read the query of a request. A parameter that nobody knows is refused: it may be misspelt."""
    values = defaults(parameters)
    faults = []
    for raw, given in args.items():
        name = raw.decode("utf-8", "replace")
        parameter = parameters.get(name)
        try:
            if parameter is None:
                raise ValueError(_unknown(parameters))
            if len(given) > 1:
                raise ValueError("may be given only once")
            values[name] = parameter.read(given[0].decode())
        except UnicodeDecodeError:
            faults.append(Fault(name, "must be UTF-8"))
        except ValueError as error:
            faults.append(Fault(name[:100], str(error)))
    if faults:
        raise rejected(400, "The query is not valid.", faults=faults)
    return values


def defaults(parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    """Give what a request without a query means."""
    return {name: parameter.default for name, parameter in parameters.items()}


def _unknown(parameters: Mapping[str, Parameter]) -> str:
    if not parameters:
        return "is not known; there are no parameters here"
    return f"is not known; the parameters are {', '.join(parameters)}"


def whole_number(name: str, low: int, high: int, default: int | None, what: str) -> Parameter:
    """Make a parameter that is a whole number within limits."""

    def read(text: str) -> int:
        if text.isascii() and text.isdecimal() and len(text) <= 19 and low <= int(text) <= high:
            return int(text)
        raise ValueError(f"must be a whole number from {low} to {high}")

    schema = {"type": "integer", "minimum": low, "maximum": high}
    return Parameter(name, read, default, what, schema)


def identifier(name: str, what: str) -> Parameter:
    """Make a parameter that is the id of something."""
    return whole_number(name, 0, MAX_ID, None, what)


def seconds(name: str, longest: float, what: str) -> Parameter:
    """Make a parameter that is a time in seconds."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not (isfinite(value) and 0 <= value <= longest):
            raise ValueError(f"must be a number of seconds from 0 to {longest:g}")
        return value

    return Parameter(name, read, 0.0, what, {"type": "number", "minimum": 0, "maximum": longest})


def text(name: str, default: str | None, what: str, *, longest: int = 200) -> Parameter:
    """Make a parameter that is a short text."""

    def read(value: str) -> str:
        if not (0 < len(value) <= longest and value.isprintable()):
            raise ValueError(f"must be 1 to {longest} printable characters")
        return value

    schema = {"type": "string", "minLength": 1, "maxLength": longest}
    return Parameter(name, read, default, what, schema)


def flag(name: str, what: str) -> Parameter:
    """Make a parameter that says yes by being there."""

    def read(value: str) -> bool:
        if value not in ("", "1", "true"):
            raise ValueError("takes no value")
        return True

    return Parameter(name, read, False, what, {"type": "string", "enum": ["", "1", "true"]})


def some_of(name: str, known: tuple[str, ...], what: str) -> Parameter:
    """Make a parameter that is a list, with commas, of some of the names that are known."""

    def read(value: str) -> frozenset[str]:
        chosen = frozenset(value.split(","))
        if not chosen <= set(known):
            raise ValueError(f"must be some of {', '.join(known)}, with commas between them")
        return chosen

    one = f"({'|'.join(known)})"
    schema = {"type": "string", "pattern": f"^{one}(,{one})*$"}
    return Parameter(name, read, None, what, schema)
