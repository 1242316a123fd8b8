"""One drop server that is polled, as the status shows it: all its drops together.

Nothing here decides when anything is read.
"""

from collections.abc import Iterable, Mapping

from attrs import define, field

from qabel.core.backoff import Attempts
from qabel.core.receiving.polled_drop import PolledDrop
from qabel.drop.url import DropURL


@define(eq=False)
class ServerPolls:
    """One drop server: its drops, and the results of polling them."""

    server: str
    drops: dict[DropURL, PolledDrop] = field(factory=dict)
    rounds: int = 0
    """How many polls there were since the start."""
    failed_rounds: int = 0
    seconds: float = 0.0
    """The total duration of all polls."""

    @property
    def attempts(self) -> Attempts:
        """The results of polling: the last ones of all drops, and the failures of the worst."""
        every = [each.attempts for each in self.drops.values()]
        failing = [each for each in every if each.failures]
        newest = max(failing, key=lambda each: each.last_failure or 0.0, default=Attempts())
        return Attempts(
            failures=max((each.failures for each in failing), default=0),
            not_before=min((each.not_before for each in failing), default=0.0),
            last_error=newest.last_error,
            is_not_admitted=newest.is_not_admitted,
            last_failure=_newest(each.last_failure for each in every),
            last_success=_newest(each.last_success for each in every),
        )

    @property
    def not_stored(self) -> str | None:
        """Why what was found could not be stored; None if it could."""
        return next((each.not_stored for each in self.drops.values() if each.not_stored), None)

    @property
    def next_poll(self) -> float | None:
        """When the next drop is polled, in seconds on the clock; None if there is none."""
        return min((each.due for each in self.drops.values()), default=None)

    def silent(self, now: float, heard: Mapping[DropURL, float]) -> dict[DropURL, float]:
        """Return for how many seconds each drop was neither read nor heard of.

        What could not be stored was read.

        Args:
            now: the time in seconds on the clock.
            heard: when the push connections of drops last proved that they work.

        """
        found = {}
        for url, drop in self.drops.items():
            success = drop.attempts.last_success
            last = drop.since if success is None else success
            found[url] = 0.0 if drop.not_stored else now - max(last, heard.get(url, last))
        return found


def _newest(times: Iterable[float | None]) -> float | None:
    return max((each for each in times if each is not None), default=None)
