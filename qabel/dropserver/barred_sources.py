"""Sources that sent more frames than listeners do, and may not listen for a while.

Otherwise each connection that is cut would be followed by another, and to open one is dear.
"""

from attrs import define, field
from twisted.internet.interfaces import IReactorTime

from qabel.dropserver.remembered import Remembered
from qabel.host.http_server.sources import SHARED, Source

PERIOD = 60.0
"""Seconds."""

MOST = 20_000
"""Sources that are remembered: some 5 MB."""


@define(eq=False)
class BarredSources:
    """Remembers who may not listen. Where nothing tells people apart, all always may.

    Args:
        clock: measures time.
        most: how many are remembered.

    """

    _clock: IReactorTime
    _most: int = MOST
    _until: Remembered[float] = field(init=False)

    @_until.default
    def _none(self) -> Remembered[float]:
        return Remembered(self._most)

    def bar(self, source: Source) -> None:
        """Let a source listen no more for a while."""
        if source not in SHARED:
            self._until.note(source, self._clock.seconds() + PERIOD)

    def wait(self, source: Source) -> float:
        """Return the seconds until a source may listen again; 0 if it may."""
        until = self._until.known(source)
        if until is None:
            return 0.0
        left = until - self._clock.seconds()
        if left <= 0:
            self._until.forget(source)
            return 0.0
        return left
