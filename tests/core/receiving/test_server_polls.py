"""What the status says of a server is made of all its drops."""

from qabel.core.receiving.key_on_server import KeyOnServer
from qabel.core.receiving.polled_drop import PolledDrop
from qabel.core.receiving.server_polls import ServerPolls
from tests.core.items import drop

SERVER = drop(1).server


def server(count: int = 3) -> tuple[ServerPolls, list[PolledDrop]]:
    """Return a server with some drops of different owners, polled since 10."""
    drops = [
        PolledDrop(drop(number), KeyOnServer(b"%d" % number, SERVER), 10.0, due=20.0 + number)
        for number in range(count)
    ]
    return ServerPolls(SERVER, {each.url: each for each in drops}), drops


def test_a_server_that_works() -> None:
    """The newest success counts, and the next poll is that of the drop that is due first."""
    polls, (first, second, _) = server()
    assert polls.attempts.last_success is None
    first.attempts.succeeded(11.0)
    second.attempts.succeeded(12.0)
    assert (polls.attempts.last_success, polls.attempts.failures) == (12.0, 0)
    assert (polls.attempts.last_error, polls.next_poll) == (None, 20.0)


def test_the_failures_of_the_worst_drop_count() -> None:
    """The error is the newest one, and gone when no drop fails any more."""
    polls, (first, second, _) = server()
    first.attempts.failed(11.0, "old", 5.0)
    first.attempts.failed(12.0, "old", 5.0)
    second.attempts.failed(13.0, "new", 5.0)
    found = polls.attempts
    assert (found.failures, found.last_error, found.last_failure) == (2, "new", 13.0)
    first.attempts.succeeded(14.0)
    second.attempts.succeeded(14.0)
    found = polls.attempts
    assert (found.failures, found.last_error, found.last_failure) == (0, None, 13.0)


def test_how_long_drops_are_silent() -> None:
    """A success, a push connection that works, and what cannot be stored, count as heard."""
    polls, (first, second, third) = server()
    first.attempts.succeeded(50.0)
    third.not_stored = "The disk is full."
    silent = polls.silent(100.0, {second.url: 70.0, first.url: 20.0})
    assert list(silent.values()) == [50.0, 30.0, 0.0]
    assert polls.silent(100.0, {})[second.url] == 90.0
    assert polls.not_stored == "The disk is full."


def test_a_server_without_drops() -> None:
    """There is nothing to say of it."""
    polls, _ = server(0)
    assert (polls.next_poll, polls.not_stored, polls.attempts.failures) == (None, None, 0)
