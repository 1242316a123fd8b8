"""A drop that is polled."""

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from qabel.core.receiving.key_on_server import KeyOnServer
from qabel.core.receiving.polled_drop import LONGEST_STORE_PAUSE, STORE_PAUSE, PolledDrop
from tests.core.items import drop


def made() -> PolledDrop:
    """Return one."""
    return PolledDrop(drop(1), KeyOnServer(b"me", drop(1).server), 0.0)


def test_pauses_while_nothing_can_be_stored() -> None:
    """They grow, up to a limit, and end as soon as something was stored."""
    polled = made()
    pauses = [polled.could_not_store("The disk is full.", lambda: 0.5) for _ in range(8)]
    assert STORE_PAUSE / 2 <= pauses[0] <= STORE_PAUSE
    assert LONGEST_STORE_PAUSE / 2 <= pauses[-1] <= LONGEST_STORE_PAUSE
    assert (polled.not_stored, polled.attempts.failures) == ("The disk is full.", 0)
    polled.could_store()
    assert polled.not_stored is None
    assert polled.could_not_store("Again.", lambda: 0.5) == pauses[0]


def test_stopping_leaves_nothing() -> None:
    """The clock is stopped, nobody waits any more, and it is in no queue."""
    clock, polled = Clock(), made()
    polled.timer = clock.callLater(5, lambda: None)
    polled.waiting = waiting = Deferred()
    polled.key.queue[polled.url] = None
    assert polled.is_busy
    polled.stop()
    assert (clock.getDelayedCalls(), waiting.called, polled.is_busy) == ([], True, False)


def test_who_waits_for_a_poll_in_progress_waits_for_its_end() -> None:
    """Stopping a drop that is being read leaves its end to whoever reads it."""
    polled = made()
    polled.running, polled.waiting = Deferred(), Deferred()
    polled.stop()
    assert not polled.waiting.called
