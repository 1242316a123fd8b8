"""What the drops of one owner on one server have in common."""

from qabel.core.receiving.key_on_server import GIVE_UP_AFTER, KeyOnServer

INTERVAL = 10.0


def fail(key: KeyOnServer, now: float, *, asked: float = 0.0) -> float:
    """Have a drop fail; return when the next one may be read."""
    key.failed(now, INTERVAL, asked, lambda: 0.0)
    return key.not_before


def test_single_failures_stop_nothing() -> None:
    """Only several failures in a row say that the server has a problem, not a drop."""
    key = KeyOnServer(b"me", "http://one.example")
    assert [fail(key, 1.0) for _ in range(GIVE_UP_AFTER - 1)] == [0.0] * (GIVE_UP_AFTER - 1)
    assert fail(key, 1.0) == 1.0 + INTERVAL / 2
    assert key.succeeded()
    assert key.not_before == 0.0
    assert fail(key, 2.0) == 0.0
    assert not key.succeeded()


def test_pauses_grow() -> None:
    """Each failure after a pause makes the next one longer; what ended meanwhile does not."""
    key = KeyOnServer(b"me", "http://one.example")
    for _ in range(GIVE_UP_AFTER):
        fail(key, 0.0)
    first = key.not_before
    assert fail(key, first - 1) == first
    assert fail(key, first) == first + INTERVAL
    assert fail(key, key.not_before) == first + INTERVAL + 2 * INTERVAL


def test_a_server_that_asks_to_wait() -> None:
    """It is waited for as long as the server says."""
    key = KeyOnServer(b"me", "http://one.example")
    assert fail(key, 5.0, asked=60.0) == 65.0
    assert fail(key, 6.0, asked=10.0) == 65.0


def test_nothing_shows_whose_it_is() -> None:
    """An owner's key is not in the text."""
    assert "me" not in repr(KeyOnServer(b"me", "http://one.example")).replace("server", "")
