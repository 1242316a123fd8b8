"""The time limits of an exchange."""

from twisted.internet.task import Clock

from qabel.net.exchange_limits import ExchangeLimits, Watchdog

LIMITS = ExchangeLimits(silence=30, time=120, pace=10)


def watched(clock, limits=LIMITS):
    """Start a watch, and give it with the list of times at which it expired."""
    expired = []
    watch = Watchdog(clock, limits)
    watch.on_expire = lambda: expired.append(clock.seconds())
    return watch, expired


def test_silence():
    """A byte puts the limit of silence off."""
    clock = Clock()
    watch, expired = watched(clock)
    clock.advance(20)
    watch.received(1)
    clock.pump([1] * 40)
    assert expired == [50]
    assert watch.expired
    watch.stop()


def test_time():
    """Bytes that come too slowly do not put the time limit off."""
    clock = Clock()
    watch, expired = watched(clock)
    for _ in range(30):
        watch.received(40)
        clock.advance(5)
    assert expired == [120]
    watch.stop()


def test_pace():
    """Bytes that keep the pace do, and the silence limit stays in force."""
    clock = Clock()
    watch, expired = watched(clock)
    for _ in range(100):
        watch.received(100)
        clock.advance(5)
    assert expired == []
    clock.pump([1] * 31)
    assert expired == [525]


def test_pause():
    """Time in which we keep the server waiting is not counted."""
    clock = Clock()
    watch, expired = watched(clock)
    clock.advance(10)
    watch.pause()
    clock.pump([10] * 100)
    watch.pause()
    watch.resume()
    watch.resume()
    clock.pump([1] * 29)
    assert expired == []
    clock.advance(2)
    assert len(expired) == 1


def test_settle():
    """Once all that matters is there, there is little more time, and never more than there was."""
    clock = Clock()
    watch, expired = watched(clock)
    watch.settle()
    watch.received(1)
    clock.pump([0.5] * 6)
    assert expired == [2.0]
    watch, expired = watched(clock)
    clock.advance(29)
    watch.settle()
    clock.advance(1)
    assert len(expired) == 1


def test_stop():
    """A watch that was stopped leaves no timer."""
    clock = Clock()
    watch, expired = watched(clock)
    watch.stop()
    watch.stop()
    watch.settle()
    assert clock.getDelayedCalls() == []
    assert not expired
