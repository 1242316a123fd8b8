"""The poller: every drop at times of its own, and nothing that ends its clock."""

from collections.abc import Iterator

import pytest

from qabel.core.receiving.poll_times import FIRST_WITHIN, SPREAD
from qabel.core.receiving.polled_drop import STORE_PAUSE
from qabel.deferreds import result_of
from tests.core.receiving.polling import INTERVAL, ONE, TWO, Polling, drop


@pytest.fixture
def polling() -> Iterator[Polling]:
    """Return a poller of a drop on each of two servers, and stop it: no timer is left then."""
    made = Polling()
    made.poller.set_drops([drop(1), drop(2, TWO)])
    yield made
    if made.poller.running:
        result_of(made.poller.stopService())
    assert made.clock.getDelayedCalls() == []


def test_the_first_poll_lies_at_random(polling: Polling) -> None:
    """It is within the first interval, for each drop at another time."""
    draws = iter((0.25, 0.75))
    polling.draw = lambda: next(draws, 0.0)
    polling.poller.startService()
    polling.run(INTERVAL)
    assert polling.reads.times(drop(1))[0] == 0.25 * INTERVAL
    assert polling.reads.times(drop(2, TWO))[0] == 0.75 * INTERVAL


def test_the_first_poll_is_soon_whatever_the_interval(polling: Polling) -> None:
    """With hours between polls, the first is within a minute."""
    polling.poller.set_interval(3600)
    polling.draw = lambda: 0.5
    polling.poller.startService()
    assert polling.next_read(drop(1)) == FIRST_WITHIN / 2


def test_a_new_drop_has_a_clock_of_its_own(polling: Polling) -> None:
    """A drop that is added later is polled at random within the first interval, too."""
    polling.poller.startService()
    polling.run(1)
    polling.draw = lambda: 0.5
    polling.poller.set_drops([drop(1), drop(3)])
    assert polling.next_read(drop(3)) == INTERVAL / 2
    assert list(polling.poller.servers) == [ONE]


def test_a_drop_that_is_gone_is_read_no_more(polling: Polling) -> None:
    """Neither at its time nor when all are read."""
    polling.poller.startService()
    polling.poller.set_drops([drop(1)])
    polling.run(50)
    result_of(polling.poller.poll_now())
    assert polling.reads.times(drop(2, TWO)) == []


def test_another_owner_begins_anew(polling: Polling) -> None:
    """A drop that another identity reads now shares nothing with what was before."""
    polling.poller.startService()
    polling.run(1)
    before = polling.poller.servers[ONE].drops[drop(1)]
    polling.owners[drop(1)] = b"another"
    polling.poller.set_drops([drop(1), drop(2, TWO)])
    after = polling.poller.servers[ONE].drops[drop(1)]
    assert (before.key.owner, after.key.owner) == (str(drop(1)).encode(), b"another")


def test_a_shorter_interval_is_in_force_at_once(polling: Polling) -> None:
    """It does not wait for the end of the old one; a longer one begins with the next pause."""
    polling.draw = lambda: 0.5
    polling.poller.set_interval(1000)
    polling.poller.startService()
    polling.run(100)
    polling.poller.set_interval(2)
    assert polling.next_read(drop(1)) == 1.0
    polling.poller.set_interval(100)
    assert polling.next_read(drop(1)) > 50


def test_all_drops_of_one_owner_are_read_at_once(polling: Polling) -> None:
    """If somebody asks for it, and again for each who asks while they are being read."""
    polling.poller.startService()
    polling.run(1)
    polling.owners |= {drop(1): b"me", drop(3): b"me"}
    polling.poller.set_drops([drop(1), drop(3)])
    polling.run(1)
    polling.reads.begun.clear()
    polling.reads.hanging.add(drop(1))
    first, second = polling.poller.poll_now(), polling.poller.poll_now()
    assert [url for _, url in polling.reads.begun] == [drop(1), drop(3), drop(3)]
    polling.reads.open.pop().callback(None)
    assert first.called
    assert not second.called
    polling.reads.open.pop().callback(None)
    result_of(second)


def test_drops_of_several_owners_are_spread(polling: Polling) -> None:
    """When all are asked for, each is read at random, unless its time comes before."""
    polling.poller.startService()
    polling.run(1)
    draws = iter((0.25, 0.75))
    polling.draw = lambda: next(draws, 0.9)
    asked = polling.poller.poll_now()
    polling.reads.begun.clear()
    polling.run(2)
    assert not asked.called
    polling.run(2)
    result_of(asked)
    assert polling.reads.begun == [
        (1 + 0.25 * SPREAD, drop(1)),
        (1 + 0.75 * SPREAD, drop(2, TWO)),
    ]


def test_only_some_drops_are_read(polling: Polling) -> None:
    """Those of one owner at once, and what it shares with others later, as that has another key."""
    polling.owners |= {drop(1): b"me", drop(4): b"shared"}
    polling.poller.set_drops([drop(1), drop(2, TWO), drop(4)])
    polling.poller.startService()
    polling.run(1)
    polling.reads.begun.clear()
    polling.draw = lambda: 0.5
    asked = polling.poller.poll_now([drop(1), drop(4)], b"me")
    polling.run(SPREAD / 2)
    result_of(asked)
    assert polling.reads.begun == [(1.0, drop(1)), (1 + SPREAD / 2, drop(4))]


def test_who_asks_does_not_wait_for_a_poller_that_stops(polling: Polling) -> None:
    """Nobody waits for what will not be read."""
    polling.draw = lambda: 0.5
    polling.poller.startService()
    asked = polling.poller.poll_now()
    result_of(polling.poller.stopService())
    result_of(asked)
    result_of(polling.poller.poll_now())
    assert polling.reads.begun == []


def test_stopping_cancels_what_is_being_read(polling: Polling) -> None:
    """StopService does not wait for a server that hangs."""
    polling.reads.hanging.add(drop(1))
    polling.poller.startService()
    polling.run(1)
    result_of(polling.poller.stopService())
    assert polling.reads.cancelled == 1
    polling.run(100)
    assert len(polling.reads.times(drop(1))) == 1


def test_what_a_push_found_and_could_not_be_stored(polling: Polling) -> None:
    """It is read again within seconds, though the next poll is hours away."""
    polling.poller.set_interval(3600)
    polling.poller.startService()
    polling.run(1)
    polling.poller.note_not_stored(drop(1), "The disk is full.")
    assert polling.poller.is_waiting_for_store(drop(1))
    assert not polling.poller.is_waiting_for_store(drop(2, TWO))
    assert polling.next_read(drop(1)) <= STORE_PAUSE
    assert not polling.poller.is_waiting_for_store(drop(1))


def test_when_there_is_disk_space_again(polling: Polling) -> None:
    """What could not be stored is read soon, each drop at another time, and nothing else is."""
    polling.poller.set_interval(40)
    polling.poller.set_drops([drop(1), drop(2), drop(3)])
    polling.poller.startService()
    polling.run(1)
    for number in (1, 2):
        polling.poller.note_not_stored(drop(number), "The disk is full.")
    draws = iter((0.05, 0.1))
    polling.draw = lambda: next(draws)
    polling.poller.go_on()
    polling.draw = lambda: 0.0
    polling.reads.begun.clear()
    polling.run(4.5)
    assert polling.reads.begun == [(3.0, drop(1)), (5.0, drop(2))]


def test_a_drop_that_has_a_reason(polling: Polling) -> None:
    """It is read within an interval; one that fails has its pause all the same."""
    polling.poller.set_interval(1000)
    polling.poller.startService()
    polling.run(1)
    polling.draw = lambda: 0.5
    polling.poller.hasten(drop(1))
    assert polling.next_read(drop(1)) == FIRST_WITHIN / 2
    polling.poller.hasten(drop(1), polling.clock.seconds() + 100)
    assert polling.next_read(drop(1)) == 100 + FIRST_WITHIN / 2
    polling.reads.failing.add(drop(1))
    polling.poller.hasten(drop(1))
    polling.next_read(drop(1))
    polling.poller.hasten(drop(1))
    assert polling.next_read(drop(1)) > 300
    polling.poller.hasten(drop(7))


def test_a_reason_that_comes_during_a_read(polling: Polling) -> None:
    """It has the drop read again soon after that."""
    polling.poller.set_interval(1000)
    polling.reads.hanging.add(drop(1))
    polling.poller.startService()
    polling.run(1)
    polling.poller.hasten(drop(1))
    polling.reads.open.pop().callback(None)
    polling.draw = lambda: 0.01
    assert polling.next_read(drop(1)) <= 1000 * 0.51


def test_what_the_status_is_told(polling: Polling) -> None:
    """How seldom a server is polled, and by how much a poll is late."""
    polling.poller.startService()
    polling.run(1)
    assert polling.poller.interval_of(ONE) == polling.poller.interval == INTERVAL
    polling.poller.clocks.is_watched = lambda url: url == drop(1)
    assert polling.poller.interval_of(ONE) == 900.0
    assert polling.poller.interval_of(TWO) == INTERVAL
    assert polling.poller.interval_of("http://unknown.example") == INTERVAL
    assert polling.poller.late() == 0.0
    polling.clock.rightNow += 100
    assert polling.poller.late() > 90
