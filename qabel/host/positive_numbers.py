"""Numbers above zero in command lines."""

from collections.abc import Callable
from typing import Any

from qabel.host.start_errors import StartError

_END = 1e12


def positive_number(option: str, given: Any, kind: Callable[[str], Any] = float) -> Any:
    """Return the value of an option as a number above zero.

    Args:
        option: its name, without dashes.
        given: its value; None, for an option that was not given, stays None.
        kind: what makes a number of it, ``float`` or ``int``.

    Raises:
        StartError: it is no such number; says so.

    """
    if given is None:
        return None
    try:
        value = kind(given)
    except ValueError:
        value = 0
    if not 0 < value < _END:
        what = "whole number" if kind is int else "number"
        raise StartError(f"--{option} must be a {what} greater than 0, not {given!r}")
    return value
