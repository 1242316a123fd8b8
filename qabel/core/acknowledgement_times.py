"""When acknowledgements are sent: after a random delay, so that they do not tell who is up."""

from collections.abc import Callable

from attrs import define, field, frozen
from twisted.internet.interfaces import IReactorTime

from qabel.core.random_delays import exponential
from qabel.settings.local import PrivacySettings

DrawDelay = Callable[[float], float]
"""Returns a random delay with a mean, both in seconds."""


@frozen
class AcknowledgementPlan:
    """How the acknowledgements of some messages are delayed; may be used in any thread."""

    since: int
    """The time on the schedule, in milliseconds."""
    _mean: float
    """Seconds."""
    _draw: DrawDelay = exponential

    def delay(self) -> int:
        """Return the delay of one of them in milliseconds."""
        return round(self._draw(self._mean) * 1000)


@define(eq=False)
class AcknowledgementTimes:
    """The schedule of acknowledgements: what is sent when does not depend on the time of day.

    It starts at the time of day, and goes on with the clock: if the time of day jumps, nothing
    becomes due.

    Args:
        clock: measures all delays.
        now: returns seconds since the epoch.
        settings: returns the present settings.
        draw: returns a random delay.

    """

    _clock: IReactorTime
    _now: Callable[[], float]
    _settings: Callable[[], PrivacySettings]
    _draw: DrawDelay = exponential
    _start: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._start = self._now() - self._clock.seconds()

    @property
    def are_wanted(self) -> bool:
        """Whether anything is acknowledged at all."""
        return self._settings().acknowledge != "never"

    def now(self) -> int:
        """Return the time on the schedule in milliseconds."""
        return round((self._start + self._clock.seconds()) * 1000)

    def until(self, time: int) -> float:
        """Return the seconds until a time on the schedule; 0 for one that is past."""
        return max(0.0, time / 1000 - self._start - self._clock.seconds())

    def plan(self) -> AcknowledgementPlan:
        """Return how acknowledgements are delayed from now on."""
        return AcknowledgementPlan(self.now(), self._settings().acknowledge_delay, self._draw)
