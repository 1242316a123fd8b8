"""One queue of postings: when its next attempt is due."""

from qabel.core.sending.send_queue import SendQueue
from tests.core.items import posting


def queue() -> SendQueue:
    """Return an empty queue."""
    return SendQueue(posting(1).queue, "http://one.example")


def test_when_it_is_due() -> None:
    """It waits for the end of its pause, and of the time for which it is held back."""
    made = queue()
    assert made.due == 0
    made.failed(10, "no", 60)
    assert made.due == 70
    made.held_until = 80.0
    assert made.due == 80
    assert made.succeeded(90)
    assert not made.succeeded(91)
    assert made.due == 80


def test_a_wake_up_shortens_a_pause_only() -> None:
    """A pause ends after the delay if that is sooner, and never later than it would."""
    made = queue()
    made.failed(0, "no", 60)
    made.wake(10, 100)
    assert made.due == 60
    made.wake(10, 20)
    assert made.due == 30
    made.put_off(30, 600)
    made.wake(31, 1)
    assert made.due == 32


def test_nothing_shortens_what_the_server_asked_for() -> None:
    """A pause does not end before the server wants the next request; a success ends that."""
    made = queue()
    made.failed(0, "busy", 300, asked=60)
    made.wake(1, 2)
    assert made.due == 60
    made.failed(60, "busy", 5, asked=600)
    assert made.due == 660
    made.succeeded(700)
    made.failed(700, "no", 60)
    made.wake(700, 2)
    assert made.due == 702


def test_a_wake_up_during_an_attempt() -> None:
    """It is remembered, as the attempt began before the server was seen to work."""
    made = queue()
    made.is_busy = True
    made.wake(5, 20)
    assert made.woken == 5
    made.failed(30, "silent", 600)
    made.bring_forward(30, 7)
    assert made.due == 37
    made.is_busy = False
    made.wake(31, 1)
    assert (made.woken, made.due) == (5, 32)


def test_whether_there_is_anything_to_post() -> None:
    """What is being posted counts, and what waits."""
    made = queue()
    assert not made.has_work
    made.is_busy = True
    assert made.has_work
    made.is_busy = False
    made.postings.append(posting(1))
    assert made.has_work


def test_it_shows_no_drop() -> None:
    """Its text names the server and no drop URL."""
    text = repr(queue())
    assert "http://one.example" in text
    assert posting(1).url not in text
