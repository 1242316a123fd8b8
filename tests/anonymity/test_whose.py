"""Guesses whose posting it is."""

from tests.anonymity.chances import seeded
from tests.anonymity.recording import Exchange, View
from tests.anonymity.whose import Whose

POSTING = Exchange(1, "POST", "r", 10.0, 10.1, 200)


def guesses(*exchanges: Exchange) -> Whose:
    """Return the guesses of a view with some exchanges and the posting."""
    return Whose(View.of([*exchanges, POSTING], "abcr"), seeded(1))


def read(drop: str, began: float, connection: int = 9, status: int = 304) -> Exchange:
    """Return a read of a drop."""
    return Exchange(connection, "GET", drop, began, began + 0.01, status)


def test_a_shared_connection_names_the_sender() -> None:
    """A drop that was read over the connection of the posting is named, at whatever time."""
    whose = guesses(read("a", 99.0, 1), read("b", 9.99, 2))
    assert whose.by_connection(POSTING) == "a"


def test_a_fresh_connection_names_nobody() -> None:
    """A connection that was used for nothing else says nothing."""
    assert guesses(read("a", 9.9, 2)).by_connection(POSTING) is None


def test_reads_before_after_and_nearest() -> None:
    """The read whose response came last, the next read, and the nearest one are named."""
    whose = guesses(read("a", 9.8), read("b", 10.15), read("c", 12.0), read("r", 10.11))
    assert whose.by_read_before(POSTING) == "a"
    assert whose.by_read_after(POSTING) == "b"
    assert whose.by_nearest_read(POSTING) == "b"


def test_the_recipient_is_not_named() -> None:
    """The recipient reads because of the posting, and is passed over."""
    whose = guesses(read("r", 9.9), read("r", 10.2))
    assert whose.by_read_before(POSTING) is None
    assert whose.by_read_after(POSTING) is None
    assert whose.by_nearest_read(POSTING) is None


def test_a_read_that_is_not_over_is_not_before() -> None:
    """A read whose response came after the posting began cannot have caused it."""
    assert guesses(Exchange(9, "GET", "a", 9.9, 10.05, 200)).by_read_before(POSTING) is None


def test_the_reply_goes_to_the_sender() -> None:
    """The drop that gets the next message once the recipient has read is named."""
    early, reply = (
        Exchange(2, "POST", "b", 10.2, 10.3, 200),
        Exchange(3, "POST", "a", 11, 11.1, 200),
    )
    assert guesses(early, read("r", 10.5), reply).by_reply(POSTING) == "a"
    assert guesses(early, reply).by_reply(POSTING) is None
