"""The times of polls: all are drawn, so that no server can tell which drops belong together.

A tick that several drops share, or a pause of a length that is known, joins them as surely as a
connection that they share.
"""

from qabel.core.random_delays import Draw, draw_securely, exponential

FIRST_WITHIN = 60.0
"""Seconds within which a drop is polled for the first time, if the interval is not shorter."""

PUSH_POLL_INTERVAL = 900.0
"""Mean seconds between two polls of a drop whose new messages are reported by push."""

LATE = 1.0
"""Seconds by which a poll may be late. After more, as after a suspension, its time is drawn anew:
the machine woke up for all drops at once."""

SPREAD = 5.0
"""Seconds over which the drops of several owners are spread that are to be read now."""

HEARSAY = 30.0
"""Mean seconds until what one owner's drops show reaches the requests of another."""

RECONNECT = 10.0
"""Mean seconds until the first attempt to open a push connection again; drops are polled then."""

LONGEST_RECONNECT = 300.0
"""The same after many failures."""


def first_pause(interval: float, draw: Draw) -> float:
    """Return the seconds until the first poll of a drop that is polled each ``interval`` seconds.

    So are all polls drawn that several drops are due for at the same time.
    """
    return min(interval, FIRST_WITHIN) * draw()


def next_pause(interval: float, draw: Draw) -> float:
    """Return the seconds between two polls of a drop: ``interval`` on average, half at least."""
    return interval / 2 + exponential(interval / 2, draw)


def reconnect_pause(failures: int, draw: Draw = draw_securely) -> float:
    """Return the seconds until a push connection is opened again.

    Connections that are cut at the same time do not come back together.

    Args:
        failures: how many attempts failed in a row before.
        draw: returns a random number in [0, 1).

    """
    return exponential(min(LONGEST_RECONNECT, RECONNECT * 2.0 ** min(failures, 32)), draw)
