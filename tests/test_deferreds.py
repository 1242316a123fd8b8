"""Turns, and work that cannot be broken off."""

from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.trial.unittest import SynchronousTestCase

from qabel.deferreds import Turn, result_of, shielded, together


class TurnTests(SynchronousTestCase):
    """One after another, however many."""

    def test_thousands(self) -> None:
        """Thousands that wait, and have nothing to wait for themselves, are let in in order."""
        turn, order = Turn(), []

        async def take(number: int) -> None:
            await turn.acquire()
            order.append(number)
            turn.release()

        self.successResultOf(Deferred.fromCoroutine(turn.acquire()))
        waiting = [Deferred.fromCoroutine(take(number)) for number in range(5000)]
        turn.release()
        for each in waiting:
            self.successResultOf(each)
        self.assertEqual(list(range(5000)), order)

    def test_giving_up(self) -> None:
        """Who gives up waiting is passed over, and the next one has the turn."""
        turn = Turn()
        self.successResultOf(Deferred.fromCoroutine(turn.acquire()))
        first = Deferred.fromCoroutine(turn.acquire())
        second = Deferred.fromCoroutine(turn.acquire())
        first.cancel()
        self.failureResultOf(first, CancelledError)
        self.assertNoResult(second)
        turn.release()
        self.successResultOf(second)


class ShieldTests(SynchronousTestCase):
    """Work that goes on when nobody waits for it any more."""

    def test_cancelled(self) -> None:
        """Cancelling ends the waiting, not the work."""
        going, done = Deferred(), []

        async def work() -> None:
            await going
            done.append(True)

        waiting = shielded(work())
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)
        going.callback(None)
        self.assertEqual([True], done)

    def test_together(self) -> None:
        """When one fails the others are cancelled, and its error comes out as it is."""
        cancelled: list[bool] = []
        hanging: Deferred[None] = Deferred(lambda _: cancelled.append(True))

        async def hang() -> None:
            await hanging

        async def fail() -> None:
            raise ZeroDivisionError

        self.failureResultOf(Deferred.fromCoroutine(together([hang(), fail()])), ZeroDivisionError)
        self.assertEqual([True], cancelled)


class ResultTests(SynchronousTestCase):
    """The result of a Deferred that is there already."""

    def test_result(self) -> None:
        """A result is returned, and an error raised."""
        self.assertEqual(7, result_of(succeed(7)))
        self.assertRaises(KeyError, result_of, fail(KeyError("x")))

    def test_no_result_yet(self) -> None:
        """Without a result there is nothing to return."""
        self.assertRaises(RuntimeError, result_of, Deferred())
