"""The polls: what the result of one means for the next ones, and for whom."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from twisted.internet.defer import Deferred

from qabel.core.receiving.key_on_server import AT_ONCE
from qabel.core.receiving.poll_slots import PollSlots
from qabel.deferreds import result_of
from qabel.drop.url import DropURL
from tests.conftest import LoggedFailures
from tests.core.receiving.polling import INTERVAL, ONE, TWO, Polling, drawn_from, drop


def poll(polling: Polling, urls: list[DropURL]) -> None:
    """Have drops polled."""
    polling.poller.set_drops(urls)
    polling.poller.startService()


@pytest.fixture
def polling() -> Iterator[Polling]:
    """Return a poller without drops, and stop it: no timer is left then."""
    made = Polling()
    yield made
    result_of(made.poller.stopService())
    assert made.clock.getDelayedCalls() == []


def test_a_failing_drop_is_read_less_and_less(polling: Polling) -> None:
    """Failures make the polls of one drop rarer, and a success makes them regular again."""
    poll(polling, [drop(1), drop(2)])
    polling.reads.failing.add(drop(1))
    polling.run(200)
    asked = polling.reads.times(drop(1))
    gaps = [after - before for before, after in pairwise(asked)]
    assert len(asked) < 10
    assert gaps[-1] > gaps[0]
    assert len(polling.reads.times(drop(2))) == 40
    polling.reads.failing.clear()
    polling.run(400)
    assert polling.poller.servers[ONE].attempts.failures == 0
    last = polling.reads.times(drop(1))[-3:]
    assert [last[1] - last[0], last[2] - last[1]] == [5, 5]


def test_no_other_owner_reacts() -> None:
    """What a server does to one drop changes nothing about the polls of any other identity."""
    urls = [drop(number) for number in range(8)]

    def others(provoke: bool) -> list[list[float]]:
        made = Polling(lambda: 0.5)
        poll(made, urls)
        made.run(20)
        if provoke:
            made.reads.failing.add(urls[0])
            made.reads.retry_after = 120.0
        made.run(400)
        made.reads.failing.clear()
        made.run(100)
        result_of(made.poller.stopService())
        return [made.reads.times(url) for url in urls[1:]]

    assert others(provoke=True) == others(provoke=False)


def test_a_server_that_asks_to_wait_is_left_alone_by_that_owner(polling: Polling) -> None:
    """All drops of the owner on that server wait, and none of another owner or server."""
    mine, other = [drop(1), drop(2)], [drop(3), drop(1, TWO)]
    polling.owners |= dict.fromkeys([*mine, other[1]], b"me")
    poll(polling, [*mine, *other])
    polling.run(1)
    polling.reads.failing.add(drop(1))
    polling.reads.retry_after = 60.0
    polling.next_read(drop(1))
    polling.reads.begun.clear()
    polling.run(55)
    assert [polling.reads.times(url) for url in mine] == [[], []]
    assert [len(polling.reads.times(url)) for url in other] == [11, 11]


def test_a_server_may_not_ask_to_wait_for_days(polling: Polling) -> None:
    """It is asked again after minutes."""
    poll(polling, [drop(1)])
    polling.reads.failing.add(drop(1))
    polling.reads.retry_after = 1e6
    polling.run(1)
    assert 299 <= polling.next_read(drop(1)) < 400


def test_a_dead_server_is_asked_for_a_few_drops_only(polling: Polling) -> None:
    """Of many drops of one owner a few are tried, and the rest soon when the server is back."""
    urls = [drop(number) for number in range(200)]
    polling.owners |= dict.fromkeys(urls, b"me")
    polling.reads.failing |= set(urls)
    polling.draw = drawn_from(3)
    poll(polling, urls)
    polling.run(300)
    assert len(polling.reads.begun) < 200
    polling.reads.failing.clear()
    polling.run(700)
    assert len({url for _, url in polling.reads.begun}) == 200
    assert polling.poller.servers[ONE].attempts.failures == 0


def test_a_few_drops_of_an_owner_at_a_time(polling: Polling) -> None:
    """The others follow as soon as one of these was read, in order."""
    urls = [drop(number) for number in range(10)]
    polling.owners |= dict.fromkeys(urls, b"me")
    polling.reads.hanging |= set(urls)
    poll(polling, urls)
    asked = polling.poller.poll_now()
    assert [url for _, url in polling.reads.begun] == urls[:AT_ONCE]
    polling.reads.hanging.clear()
    for each in list(polling.reads.open):
        each.callback(None)
    result_of(asked)
    assert [url for _, url in polling.reads.begun][:10] == urls


def test_without_a_slot_it_is_tried_again_at_random() -> None:
    """The end of one reading begins none of another owner: a server could see that."""
    polling = Polling(lambda: 0.5, PollSlots(most=1))
    polling.reads.hanging.add(drop(1))
    polling.poller.set_drops([drop(1), drop(2)])
    polling.poller.startService()
    first, second = (polling.poller.poll_now([drop(number)]) for number in (1, 2))
    polling.run(5)
    polling.reads.open.pop().callback(None)
    assert (first.called, second.called) == (True, False)
    assert polling.reads.times(drop(2)) == []
    assert polling.next_read(drop(2)) < 2
    result_of(second)
    result_of(polling.poller.stopService())


def test_what_cannot_be_stored_is_no_failure_of_the_server(polling: Polling) -> None:
    """A failing database is noted as such, and what it costs to fetch in vain is bounded."""
    polling.reads.store_error = "The disk is full."
    poll(polling, [drop(1)])
    polling.run(600)
    assert len(polling.reads.times(drop(1))) < 25
    server = polling.poller.servers[ONE]
    assert server.not_stored == "The disk is full."
    assert (server.attempts.failures, server.attempts.last_error) == (0, None)
    assert server.failed_rounds == 0
    polling.reads.store_error = None
    polling.run(70)
    assert server.not_stored is None
    assert server.attempts.last_success > 600


def test_an_unexpected_error_ends_one_poll(
    polling: Polling, logged_failures: LoggedFailures
) -> None:
    """An error nobody thought of is logged, counts as a failure, and polling goes on."""

    async def read(url: DropURL) -> None:
        raise ZeroDivisionError

    polling.poller._runner._read = read
    poll(polling, [drop(1)])
    polling.run(40)
    server = polling.poller.servers[ONE]
    assert server.failed_rounds == server.rounds == len(logged_failures.flush()) > 1
    assert "log" in server.attempts.last_error


def test_a_drop_that_is_gone_while_it_is_read(polling: Polling) -> None:
    """Its poll ends as usual, and none follows."""
    polling.reads.hanging.add(drop(1))
    poll(polling, [drop(1), drop(2)])
    polling.run(1)
    asked: Deferred[None] = polling.poller.poll_now([drop(1)])
    polling.poller.set_drops([drop(2)])
    polling.reads.open.pop().callback(None)
    result_of(asked)
    polling.run(INTERVAL)
    assert len(polling.reads.times(drop(1))) == 1
