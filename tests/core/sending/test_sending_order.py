"""The order of sending: turns come in the order of asking."""

from collections.abc import Callable

from twisted.internet.defer import Deferred

from qabel.core.sending.sending_order import SendingOrder, Turn

ME, OTHER = b"me", b"other"


def waiting(turn: Turn, reached: list[str], name: str) -> Callable[[], object]:
    """Note when a turn comes, and return what leaves it."""
    Deferred.fromCoroutine(turn.reached()).addCallback(lambda _: reached.append(name))
    return turn.leave


def test_turns_come_in_order() -> None:
    """A turn comes when the one before has left, for each key by itself."""
    order, reached = SendingOrder(), list[str]()
    first, second, third = (waiting(order.enter(ME), reached, each) for each in "abc")
    waiting(order.enter(OTHER), reached, "other")
    assert reached == ["a", "other"]
    first()
    first()
    assert reached == ["a", "other", "b"]
    second()
    third()
    assert reached == ["a", "other", "b", "c"]


def test_a_turn_that_is_given_up() -> None:
    """Who leaves before the turn came is passed over, and nobody overtakes another."""
    order, reached = SendingOrder(), list[str]()
    first, second, _ = (waiting(order.enter(ME), reached, each) for each in "abc")
    second()
    assert "c" not in reached
    first()
    assert reached[-1] == "c"


def test_very_many_that_leave_at_once() -> None:
    """Thousands of turns that are left as soon as they come do not exhaust the stack."""
    order, left = SendingOrder(), list[int]()
    first = order.enter(ME)
    for number in range(5000):
        turn = order.enter(ME)

        def leave(_: None, turn: Turn = turn, number: int = number) -> None:
            left.append(number)
            turn.leave()

        Deferred.fromCoroutine(turn.reached()).addCallback(leave)
    first.leave()
    assert left == list(range(5000))
