"""What is built on Deferreds: shielded work, gathering, locks, batches."""

from unittest.mock import patch

from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from qabel import deferreds
from qabel.deferreds import FairLock, gather, in_batches, result_of, shielded, when_done


class FairLockTests(SynchronousTestCase):
    """``FairLock`` is granted in order, to any number of waiters."""

    def test_thousands(self) -> None:
        """Thousands of waiters that release at once are served in order, without recursion."""
        lock, order = FairLock(), []

        async def take(number: int) -> None:
            await lock.acquire()
            order.append(number)
            lock.release()

        self.successResultOf(Deferred.fromCoroutine(lock.acquire()))
        waiting = [Deferred.fromCoroutine(take(number)) for number in range(5000)]
        lock.release()
        for each in waiting:
            self.successResultOf(each)
        self.assertEqual(list(range(5000)), order)

    def test_giving_up(self) -> None:
        """A cancelled waiter is skipped, and the next one gets the lock."""
        lock = FairLock()
        self.successResultOf(Deferred.fromCoroutine(lock.acquire()))
        first = Deferred.fromCoroutine(lock.acquire())
        second = Deferred.fromCoroutine(lock.acquire())
        first.cancel()
        self.failureResultOf(first, CancelledError)
        self.assertNoResult(second)
        lock.release()
        self.successResultOf(second)


class ShieldedTests(SynchronousTestCase):
    """``shielded`` keeps work going when its caller is cancelled."""

    def test_cancelled(self) -> None:
        """Cancelling ends the wait, not the work."""
        going, done = Deferred(), []

        async def work() -> None:
            await going
            done.append(True)

        waiting = shielded(work())
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)
        going.callback(None)
        self.assertEqual([True], done)


class GatherTests(SynchronousTestCase):
    """``gather`` returns all results or raises the first error."""

    def test_results(self) -> None:
        """The results are in the order of the coroutines, whichever ends first."""
        late: Deferred[int] = Deferred()

        async def wait(for_what: "Deferred[int]") -> int:
            return await for_what

        gathered = Deferred.fromCoroutine(gather([wait(late), wait(succeed(2))]))
        self.assertNoResult(gathered)
        late.callback(1)
        self.assertEqual([1, 2], self.successResultOf(gathered))

    def test_failure(self) -> None:
        """When one fails, the others are cancelled and its exception is raised unwrapped."""
        cancelled: list[bool] = []
        hanging: Deferred[None] = Deferred(lambda _: cancelled.append(True))

        async def hang() -> None:
            await hanging

        async def break_off() -> None:
            raise ZeroDivisionError

        gathered = Deferred.fromCoroutine(gather([hang(), break_off()]))
        self.failureResultOf(gathered, ZeroDivisionError)
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


class WhenDoneTests(SynchronousTestCase):
    """``when_done`` fires after another Deferred without touching its result."""

    def test_results_and_failures(self) -> None:
        """It succeeds either way; the other Deferred keeps its result."""
        good, bad = succeed(5), fail(ZeroDivisionError())
        self.assertIsNone(self.successResultOf(when_done(good)))
        self.assertIsNone(self.successResultOf(when_done(bad)))
        self.assertEqual(5, self.successResultOf(good))
        self.failureResultOf(bad, ZeroDivisionError)

    def test_cancelled(self) -> None:
        """Cancelling it leaves the other Deferred alone."""
        other: Deferred[int] = Deferred()
        waiting = when_done(other)
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)
        self.assertNoResult(other)
        other.callback(5)
        self.assertEqual(5, self.successResultOf(other))


class InBatchesTests(SynchronousTestCase):
    """``in_batches`` lets the reactor turn between batches."""

    def test_batches(self) -> None:
        """Each turn of the reactor handles one batch, in order."""
        clock, done = Clock(), []

        def act(item: int) -> None:
            done.append(item)
            if item == 2:
                clock.callLater(0, done.append, "another turn")

        with patch.object(deferreds, "BATCH_SIZE", 2):
            running = Deferred.fromCoroutine(in_batches(range(5), act, clock))
            self.assertEqual([0, 1], done)
            clock.advance(0)
        self.successResultOf(running)
        self.assertEqual([0, 1, 2, 3, "another turn", 4], done)
