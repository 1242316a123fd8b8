"""Lengths of time as text."""


def duration(seconds: float) -> str:
    """Return a length of time as text: ``90 s``, ``45 min``, ``7 h``."""
    whole = int(seconds)
    if whole < 120:
        return f"{whole} s"
    return f"{whole // 60} min" if whole < 7200 else f"{whole // 3600} h"


def interval_text(seconds: float) -> str:
    """Return the time between two regular events as text: ``0.5 s``, ``5 s``, ``45 min``."""
    return f"{seconds:g} s" if seconds < 120 else duration(seconds)
