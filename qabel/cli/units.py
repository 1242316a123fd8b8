"""Times, durations, sizes and numbers of things, as people write them."""

import time

_YEAR_10000 = 253_000_000_000_000
"""Milliseconds since the epoch; anything later is nonsense."""

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def moment(milliseconds: float | None) -> str:
    """Return a time, given in milliseconds since the epoch, as local time."""
    if milliseconds is None:
        return "-"
    if not 0 <= milliseconds < _YEAR_10000:
        return "?"
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(milliseconds / 1000))
    except (OverflowError, ValueError, OSError):
        return "?"


def duration(seconds: float) -> str:
    """Return a duration in one or two units, such as ``1 h 5 min``."""
    if 0 < seconds < 1:
        return f"{seconds:.1f} s"
    whole = max(int(seconds), 0)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min"
    if whole < _DAY:
        return _two_units(whole // _HOUR, "h", whole % _HOUR // _MINUTE, "min")
    return _two_units(whole // _DAY, "d", whole % _DAY // _HOUR, "h")


def _two_units(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large} {large_unit}" + (f" {small} {small_unit}" if small else "")


def ago(milliseconds: float | None, now: float) -> str:
    """Return how long ago a time was; ``now`` is in seconds since the epoch."""
    if milliseconds is None:
        return "never"
    seconds = now - milliseconds / 1000
    return "just now" if seconds < 1 else f"{duration(seconds)} ago"


def size(octets: int) -> str:
    """Return a number of bytes in a suitable unit."""
    amount = float(octets)
    for unit in ("bytes", "KiB", "MiB"):
        if amount < 1024:
            return count(octets, "byte") if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"


def count(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun, in the singular or the plural."""
    return f"{number} {one if number == 1 else many or one + 's'}"
