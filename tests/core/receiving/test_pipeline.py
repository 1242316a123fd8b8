"""Batches: looked at side by side, kept in order, and no more after a failure."""

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from qabel.core.receiving.pipeline import Batches
from qabel.drop.multipart import Part


def parts(*numbers: int) -> list[Part]:
    """Make parts that are told apart by their first byte."""
    return [Part(bytes([number])) for number in numbers]


class BatchesTests(SynchronousTestCase):
    """Batches of two, two of them at once."""

    def setUp(self) -> None:
        """Look at what the test lets go, and note what is kept."""
        self.looks: list[tuple[list[int], Deferred[None]]] = []
        self.kept: list[list[int]] = []
        self.failing: set[int] = set()
        self.batches: Batches[list[int]] = Batches(self.look, self.keep, size=2, at_once=2)

    async def look(self, batch: list[Part]) -> list[int]:
        """Wait until the test lets it go on."""
        numbers = [part.body[0] for part in batch]
        go_on: Deferred[None] = Deferred()
        self.looks.append((numbers, go_on))
        await go_on
        return numbers

    async def keep(self, found: list[int]) -> None:
        """Note them, or fail."""
        if self.failing.intersection(found):
            raise OSError("disk")
        self.kept.append(found)

    def take(self, *numbers: int) -> "Deferred[None]":
        """Hand some over."""
        return Deferred.fromCoroutine(self.batches.take(parts(*numbers)))

    def test_kept_in_order(self) -> None:
        """A batch that is looked through sooner is kept after the one before it all the same."""
        self.successResultOf(self.take(1, 2, 3, 4))
        first, second = self.looks
        second[1].callback(None)
        self.assertEqual([], self.kept)
        first[1].callback(None)
        self.assertEqual([[1, 2], [3, 4]], self.kept)

    def test_back_pressure(self) -> None:
        """With as many under way as may be, more are not taken before one is done."""
        waiting = self.take(1, 2, 3, 4, 5, 6)
        self.assertNoResult(waiting)
        self.assertEqual(2, len(self.looks))
        self.looks[0][1].callback(None)
        self.successResultOf(waiting)
        self.assertEqual(3, len(self.looks))

    def test_finish_waits_for_the_rest(self) -> None:
        """What is left over is a batch too, and finish fires when all is kept."""
        self.successResultOf(self.take(1, 2, 3))
        finished = Deferred.fromCoroutine(self.batches.finish())
        for _, go_on in self.looks:
            self.assertNoResult(finished)
            go_on.callback(None)
        self.successResultOf(finished)
        self.assertEqual([[1, 2], [3]], self.kept)

    def test_nothing_is_kept_after_a_failure(self) -> None:
        """When one cannot be kept, those behind it are not, and who hands over more is told."""
        self.failing.add(1)
        self.successResultOf(self.take(1, 2, 3, 4))
        for _, go_on in list(self.looks):
            go_on.callback(None)
        self.assertEqual([], self.kept)
        self.failureResultOf(self.take(5, 6), OSError)
        self.failureResultOf(Deferred.fromCoroutine(self.batches.finish()), OSError)

    def test_cancel(self) -> None:
        """What is under way can be broken off."""
        self.successResultOf(self.take(1, 2))
        self.batches.cancel()
        self.assertEqual([], self.kept)
        self.failureResultOf(Deferred.fromCoroutine(self.batches.finish()))
