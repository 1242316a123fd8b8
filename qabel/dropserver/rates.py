"""How often each source may post: on average, and at once after a quiet time."""

from attrs import define, field, frozen
from twisted.internet.interfaces import IReactorTime

from qabel.dropserver.remembered import Remembered
from qabel.host.http_server.sources import Source
from qabel.host.token_bucket import TokenBucket

MOST_SOURCES = 20_000
"""Sources that are remembered: some 5 MB. One that is forgotten may begin with a burst again."""


@frozen
class Rate:
    """How often a source may post."""

    each_second: float = 20.0
    """Messages a second on average."""
    burst: int = 600
    """Messages at once."""


@define(eq=False)
class Rates:
    """Counts what comes from each source.

    Args:
        clock: measures time.
        rate: how often a source may post.
        most: how many sources are remembered.

    """

    _clock: IReactorTime
    _rate: Rate = field(factory=Rate)
    _most: int = MOST_SOURCES
    _buckets: Remembered[TokenBucket] = field(init=False)

    @_buckets.default
    def _no_buckets(self) -> Remembered[TokenBucket]:
        return Remembered(self._most)

    def __len__(self) -> int:
        """Return how many sources are remembered."""
        return len(self._buckets)

    def take(self, source: Source) -> float:
        """Count a message; return 0, or the seconds to wait if it is one too many."""
        bucket = self._buckets.find(source, self._make_bucket)
        return 0.0 if bucket.take() else bucket.wait()

    def _make_bucket(self, _: Source) -> TokenBucket:
        return TokenBucket(self._clock, self._rate.each_second, self._rate.burst)
