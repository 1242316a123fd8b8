"""Deleting many messages at once: some in each transaction, so that others need not wait."""

from collections.abc import Callable, Sequence

from attrs import frozen
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from qabel.core.inbox.reader import InboxReader
from qabel.core.sending.poster import Poster
from qabel.core.sending.send_schedule import SOON_AFTER
from qabel.deferreds import shielded
from qabel.store.deletions import DeletionRepository


@frozen(kw_only=True, eq=False)
class Deleting:
    """Deletes messages for good, in the inbox and in the outbox."""

    _repository: DeletionRepository
    _inbox: InboxReader
    _poster: Poster
    _clock: IReactorTime
    _now: Callable[[], float]

    async def delete(self, messages: Sequence[int], sends: Sequence[int]) -> None:
        """Delete messages; of what is not posted yet, nothing will be.

        Once it was noted what is to be deleted, a restart goes on with it.

        Args:
            messages: ids in the inbox; those that are not there are ignored.
            sends: ids in the outbox; likewise.

        Raises:
            StoreError: something may still be there; what was noted is deleted by ``delete_some``.

        """
        await shielded(self._delete(messages, sends))

    async def delete_some(self) -> bool:
        """Delete some of what was noted; return whether there may be more. Raises StoreError."""
        started = self._clock.seconds()
        done = await self._repository.delete_some(now=self._now())
        if done is None:
            return False
        self._inbox.removed(done.messages, done.last_seq)
        self._poster.forget(done.sends, done.last_seq)
        self._poster.add(done.ready, spread=SOON_AFTER)
        # Others get as much of the time.
        pause = self._clock.seconds() - started
        if pause > 0:
            await deferLater(self._clock, pause)
        return True

    async def _delete(self, messages: Sequence[int], sends: Sequence[int]) -> None:
        await self._repository.note(messages, sends)
        # Whatever is deleted last, nothing of it is posted from now on.
        self._poster.forget(sends, 0)
        while await self.delete_some():
            continue
