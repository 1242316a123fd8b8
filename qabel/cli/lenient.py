"""Reading what a daemon sends without trusting it: it may be older, newer, or out of order."""

from collections.abc import Mapping
from typing import Any

from qabel.cli.errors import CommandError


def as_object(value: object, what: str) -> Mapping[str, Any]:
    """Return a JSON object. Raise CommandError if the value is something else."""
    if isinstance(value, dict):
        return value
    raise CommandError(f"The daemon sent {what} that cannot be read", hint="Check its version")


def object_in(value: Mapping[str, Any], key: str) -> Mapping[str, Any] | None:
    """Return the object under a key; None if there is none."""
    found = value.get(key)
    return found if isinstance(found, dict) else None


def objects_in(value: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """Return the objects of the list under a key, without whatever else is in it."""
    found = value.get(key)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def number_in(value: Mapping[str, Any], key: str) -> float | None:
    """Return the number under a key; None if there is none that can be calculated with."""
    found = value.get(key)
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    return found if abs(found) < 1e18 else None


def count_in(value: Mapping[str, Any], key: str) -> int:
    """Return the whole number under a key; 0 if there is none."""
    return int(number_in(value, key) or 0)


def text_in(value: Mapping[str, Any], key: str, otherwise: str = "?") -> str:
    """Return the text under a key, or another one if there is none."""
    found = value.get(key)
    return found if isinstance(found, str) and found else otherwise


def texts_in(value: Mapping[str, Any], key: str) -> list[str]:
    """Return the texts of the list under a key, without whatever else is in it."""
    found = value.get(key)
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []
