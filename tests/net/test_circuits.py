"""The queue for opening connections: few at once, in turn, and those that leave are forgotten."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from qabel.net.circuits import AT_ONCE, TO_ONE_SERVER, CircuitQueue


class CircuitQueueTests(SynchronousTestCase):
    """The queue, step by step."""

    def test_few_at_once(self) -> None:
        """No more than 16 are opened at once, and half as many to one server."""
        queue = CircuitQueue()
        same = [queue.acquire("a") for _ in range(20)]
        others = [queue.acquire(str(number)) for number in range(20)]
        self.assertEqual(sum(each.called for each in same), TO_ONE_SERVER)
        self.assertEqual(sum(each.called for each in others), AT_ONCE - TO_ONE_SERVER)

    def test_in_turn(self) -> None:
        """Servers come one after another, however many wait for one of them."""
        queue, order = CircuitQueue(), list[str]()
        for number in range(AT_ONCE):
            queue.acquire(f"first {number}")
        for name in "aaaabbc":
            queue.acquire(name).addCallback(lambda _, name=name: order.append(name))
        for number in range(7):
            queue.release(f"first {number}")
        self.assertEqual("".join(order), "abcabaa")

    def test_leaving(self) -> None:
        """Who is cancelled while waiting takes no turn."""
        queue = CircuitQueue()
        for number in range(AT_ONCE):
            queue.acquire(str(number))
        gone, waiting = queue.acquire("a"), queue.acquire("a")
        gone.cancel()
        self.failureResultOf(gone, CancelledError)
        queue.release("0")
        self.successResultOf(waiting)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("+-x")), max_size=120))
def test_nothing_is_lost(steps: list[tuple[str, str]]) -> None:
    """Whatever the order, limits hold, and all who wait get their turn in the end."""
    queue = CircuitQueue()
    turns: dict[str, list[Deferred[None]]] = {name: [] for name in "abc"}

    def open_now(name: str) -> int:
        return sum(each.called for each in turns[name])

    for name, step in steps:
        if step == "+":
            turns[name].append(queue.acquire(name))
        elif step == "-" and open_now(name):
            turns[name].remove(next(each for each in turns[name] if each.called))
            queue.release(name)
        elif step == "x" and open_now(name) < len(turns[name]):
            waiting = next(each for each in turns[name] if not each.called)
            turns[name].remove(waiting)
            waiting.addErrback(lambda failure: failure.trap(CancelledError) and None)
            waiting.cancel()
        assert sum(map(open_now, turns)) <= AT_ONCE
        assert max(map(open_now, turns)) <= TO_ONE_SERVER
    while any(turns.values()):
        name = next(name for name in turns if open_now(name))
        turns[name].remove(next(each for each in turns[name] if each.called))
        queue.release(name)
