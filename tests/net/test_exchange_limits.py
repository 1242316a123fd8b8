"""The watchdog that enforces the time limits of an exchange."""

from contextvars import copy_context

from twisted.internet.task import Clock

from qabel.net.exchange_limits import (
    ExchangeLimits,
    Watchdog,
    current_watchdog,
    set_current_watchdog,
)

LIMITS = ExchangeLimits(silence=30, time=120, pace=10)


def watched(clock, limits=LIMITS):
    """Start a watchdog and return it with the list of times at which it expired."""
    expired = []
    watchdog = Watchdog(clock, limits)
    watchdog.on_expire = lambda: expired.append(clock.seconds())
    return watchdog, expired


def test_silence():
    """A byte extends the silence limit."""
    clock = Clock()
    watchdog, expired = watched(clock)
    clock.advance(20)
    watchdog.received(1)
    clock.pump([1] * 40)
    assert expired == [50]
    assert watchdog.expired
    watchdog.stop()


def test_time():
    """Bytes that arrive too slowly do not extend the time limit."""
    clock = Clock()
    watchdog, expired = watched(clock)
    for _ in range(30):
        watchdog.received(40)
        clock.advance(5)
    assert expired == [120]
    watchdog.stop()


def test_pace():
    """Bytes that keep the pace extend the time limit, but not the silence limit."""
    clock = Clock()
    watchdog, expired = watched(clock)
    for _ in range(100):
        watchdog.received(100)
        clock.advance(5)
    assert expired == []
    clock.pump([1] * 31)
    assert expired == [525]


def test_pause():
    """Time while paused is not counted."""
    clock = Clock()
    watchdog, expired = watched(clock)
    clock.advance(10)
    watchdog.pause()
    clock.pump([10] * 100)
    watchdog.pause()
    watchdog.resume()
    watchdog.resume()
    clock.pump([1] * 29)
    assert expired == []
    clock.advance(2)
    assert len(expired) == 1


def test_settle():
    """After settling there is little more time, and never more than was left before."""
    clock = Clock()
    watchdog, expired = watched(clock)
    watchdog.settle()
    watchdog.received(1)
    clock.pump([0.5] * 6)
    assert expired == [2.0]
    watchdog, expired = watched(clock)
    clock.advance(29)
    watchdog.settle()
    clock.advance(1)
    assert len(expired) == 1


def test_stop():
    """A stopped watchdog leaves no timer."""
    clock = Clock()
    watchdog, expired = watched(clock)
    watchdog.stop()
    watchdog.stop()
    watchdog.settle()
    assert clock.getDelayedCalls() == []
    assert not expired


def test_each_exchange_has_its_watchdog():
    """What an exchange calls knows the watchdog; nobody else has one."""
    seen = []

    def see():
        seen.append(current_watchdog())

    watchdog, _ = watched(Clock())
    context = copy_context()
    context.run(set_current_watchdog, watchdog)
    see()
    context.run(see)
    assert seen == [None, watchdog]
    watchdog.stop()
