"""How long modules hold up the reactor."""

from typing import Any

from twisted.internet.defer import Deferred

from qabel.modules.reactor_time import ReactorTime


class Watch:
    """A clock that the test moves."""

    now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def test_a_call_is_measured() -> None:
    """Its time is added up, and a call over 10 ms is counted."""
    watch = Watch()
    time = ReactorTime(watch)

    def work(seconds: float) -> float:
        watch.now += seconds
        return seconds

    assert time.call(lambda: work(0.005)) == 0.005
    assert (round(time.seconds, 6), time.slow) == (0.005, 0)
    assert time.call(lambda: work(0.02)) == 0.02
    assert (round(time.seconds, 6), time.slow) == (0.025, 1)


def test_a_coroutine_is_measured_between_its_pauses() -> None:
    """While it waits, it holds up nothing; what it waits for, raises and returns is passed on."""
    watch = Watch()
    time, first, second = ReactorTime(watch), Deferred[int](), Deferred[int]()

    async def work() -> Any:
        watch.now += 0.02
        try:
            await first
        except ValueError:
            watch.now += 0.001
        return await second

    async def outer() -> Any:
        return await time.call(work)

    result = Deferred.fromCoroutine(outer())
    watch.now += 60
    first.errback(ValueError())
    watch.now += 60
    second.callback(5)
    assert result.result == 5
    assert (round(time.seconds, 6), time.slow) == (0.021, 1)
