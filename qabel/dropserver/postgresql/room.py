"""Whether there is room for messages, for many front ends: by what the database tells them.

The rule is that of ``qabel.dropserver.shares``. What each source holds is summed in the database,
and read every few seconds: what other front ends stored meanwhile is not known, so that they may
together store a little more than the quota.
"""

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from attrs import define, field
from psycopg import Connection

from qabel.dropserver.message_values import MESSAGE_SIZE, Retention, charge
from qabel.dropserver.postgresql.source_numbers import source_of
from qabel.dropserver.shares import Shares
from qabel.host.http_server.sources import OLD, Source

REFRESH_INTERVAL = 10.0
"""Seconds between readings of what all hold."""

FULL_INTERVAL = 2.0
"""The same while there is little room left."""

_REST = 20
"""How many times as long as a reading took there is none: posts wait for it."""

_LITTLE = 0.8
"""The part of the quota from which on there is little room left: then each source counts."""

_MOST_FOR_ONE = 8
"""Messages that go for one at most. More would be due after the quota was lowered: that way there
is a little more room with each message, and none has to wait until all of it is made."""

_TOTAL = "SELECT coalesce(sum(charged), 0)::bigint FROM held"

_BY_SOURCE = "SELECT source, sum(charged)::bigint FROM held GROUP BY source"


def make_room(shares: Shares, source: Source, cost: int, each: int) -> "Counter[Source] | None":
    """Find out whose messages go for one of a source; return how many of whose.

    Return None if it has to wait. What goes is noted in the shares.

    Args:
        shares: what the sources hold.
        source: whose message it is.
        cost: what it holds.
        each: what one that goes has held at least.

    """
    going: Counter[Source] = Counter()
    released: list[tuple[Source, float]] = []
    while going.total() < _MOST_FOR_ONE:
        yielding = shares.yields(source, cost)
        if yielding is None:
            break
        if yielding == source:
            for other, amount in released:
                shares.add(other, amount)
            return None
        going[yielding] += 1
        amount = min(each, shares.holding(yielding))
        released.append((yielding, amount))
        shares.add(yielding, -amount)
    return going


@define(eq=False, repr=False)
class SharedRoom:
    """What the sources hold, as far as this front end knows.

    Args:
        retention: how much there may be.

    """

    retention: Retention
    _now: Callable[[], float] = field(default=time.monotonic, kw_only=True)
    shares: Shares = field(init=False)
    _knows_sources: bool = field(default=False, init=False)
    _due: float = field(default=0.0, init=False)

    @shares.default
    def _empty(self) -> Shares:
        return Shares(self.retention.quota)

    def set_retention(self, retention: Retention) -> None:
        """Go on with other limits."""
        if retention != self.retention:
            self.retention = retention
            self.outdate()

    def outdate(self) -> None:
        """Have everything read again before it is used."""
        self._due = 0.0

    def refresh(self, connection: "Connection[Any]", cost: int) -> None:
        """Read what all hold if it is time to, or if messages of this cost make it necessary.

        Raises psycopg.Error.
        """
        if self._now() >= self._due:
            self._read(connection, with_sources=False)
        if not self._knows_sources and self.shares.held + cost > self.retention.quota:
            self._read(connection, with_sources=True)

    def _read(self, connection: "Connection[Any]", *, with_sources: bool) -> None:
        began = self._now()
        (charged,) = connection.execute(_TOTAL).fetchone() or (0,)
        self._knows_sources = with_sources or charged > _LITTLE * self.retention.quota
        shares = Shares(self.retention.quota)
        if self._knows_sources:
            for number, held in connection.execute(_BY_SOURCE).fetchall():
                shares.add(source_of(number), max(0, held))
        else:
            shares.add(OLD, charged)
        self.shares = shares
        now = self._now()
        interval = FULL_INTERVAL if self._knows_sources else REFRESH_INTERVAL
        self._due = now + max(interval, _REST * (now - began))

    def admit(self, source: Source, size: int) -> "Counter[Source] | None":
        """Take a message of so many bytes; return how many of which sources go for it.

        Return None if there is no room for it. The source is one of ``source_of``.
        """
        cost = charge(size)
        going = make_room(self.shares, source, cost, charge(MESSAGE_SIZE))
        if going is not None:
            self.shares.add(source, cost)
        return going

    def correct(self, source: Source, wanted: int, gone: int) -> None:
        """Note how many messages of a source really went: with fewer, it had no more."""
        if gone < wanted:
            self.shares.add(source, -self.shares.holding(source))
