"""Reading the inbox: what is new to whom, and waiting for it."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from attrs import field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from qabel.core.errors import NotFound, StoreError
from qabel.core.journal.journal import Log
from qabel.deferreds import shielded, when_done
from qabel.store.inbox.message_rows import Filter
from qabel.store.inbox.repository import EncodedPage
from qabel.store.journal.cursors import JournalState

POLL_PATIENCE = 20.0
"""Seconds that a reader who has the drop servers asked first waits for them at most."""

MAX_WAIT = 60.0
"""Seconds that a reader may wait for something new."""


class InboxShelf(Protocol):
    """Where messages are kept: ``qabel.store.inbox.repository.Inbox``."""

    def read_page(self, after: int, limit: int, which: Filter) -> Deferred[EncodedPage]:
        """Give messages as one JSON list."""

    def get_encoded(self, message_id: int) -> Deferred[bytes | None]:
        """Give one message as a JSON object."""

    def delete(self, message_id: int) -> Deferred[bool]:
        """Delete a message; tells whether there was one."""


class PlaceShelf(Protocol):
    """Where the places of consumers are kept: ``qabel.store.journal.cursors.Cursors``."""

    def move(self, consumer: str, seq: int, *, now: float) -> Deferred[int]:
        """Move a consumer forward; gives where it is then."""

    def expire(self, before: float) -> Deferred[list[str]]:
        """Forget the places that were last moved before a time; gives their names."""


@frozen
class Query:
    """What somebody wants to read.

    ``since`` is a place, and moves nothing; without it the consumer's own place counts. Each
    consumer has a place of its own for each way of narrowing: what one reading passes over is
    still new to another.
    """

    consumer: str = "default"
    since: str | None = None
    limit: int = 1000
    identity: int | None = None
    contact: int | None = None
    model_object: str | None = None

    @property
    def filter(self) -> Filter:
        """The conditions on messages."""
        return Filter(self.identity, self.contact, self.model_object)

    @property
    def is_narrowed(self) -> bool:
        """Whether there are any conditions."""
        return not (self.identity is None and self.contact is None and self.model_object is None)

    @property
    def reader(self) -> str:
        """The name under which the place is kept."""
        if not self.is_narrowed:
            return self.consumer
        parts = [f"{name}={value}" for name, value in sorted(self.filter.parameters.items())]
        # No consumer's name holds a line break.
        return "\n".join((self.consumer, *parts))


async def _nothing() -> None:
    return None


@frozen
class Answer:
    """What there is to read: a JSON list, or None if nothing is new."""

    body: bytes | None = field(repr=False)
    latest: str
    handed_over: Callable[[], Awaitable[None]] = field(default=_nothing, repr=False)
    """To be awaited once the reader has the whole answer: moves the consumer's place."""


class InboxReader:
    """Gives each reader what is new to it. With nothing new, no disk is touched."""

    _log_to = Logger()

    def __init__(
        self,
        shelf: InboxShelf,
        places: PlaceShelf,
        log: Log,
        state: JournalState,
        *,
        clock: IReactorTime,
        now: Callable[[], float],
        poll: Callable[[], Deferred[None]],
    ) -> None:
        self._shelf = shelf
        self._places = places
        self._log = log
        self._clock = clock
        self._now = now
        self._poll = poll
        self._consumers = dict(state.consumers)
        self._newest_message = state.newest_message
        self.messages = state.messages
        """How many messages there are."""

    def arrived(self, last: int, count: int) -> None:
        """Say that messages were kept, the last of them with this id; the log is told next."""
        self._newest_message = max(self._newest_message, last)
        self.messages += count

    async def read(self, query: Query, *, wait: float = 0.0, poll_first: bool = False) -> Answer:
        """Give the messages that are new, oldest first.

        Args:
            query: which, and new to whom.
            wait: seconds to wait for something new, at most ``MAX_WAIT``.
            poll_first: ask the drop servers before looking.

        Raises:
            Gone: ``since`` is not of this database.

        """
        if poll_first:
            await self._poll_in_time()
        ends = self._clock.seconds() + min(wait, MAX_WAIT)
        while True:
            # Before the reading: what is committed meanwhile is found by the next look.
            newest = self._log.last_seq
            page = await self._page(query)
            if page is not None:
                return self._answer(query, page)
            left = ends - self._clock.seconds()
            if left <= 0:
                return Answer(None, self._log.place(newest))
            if self._log.last_seq == newest and not await self._changes_in(left):
                return Answer(None, self._log.newest)

    async def message(self, message_id: int) -> bytes:
        """Give one message as a JSON object. Raises NotFound."""
        found = await self._shelf.get_encoded(message_id)
        if found is None:
            raise NotFound(f"There is no message {message_id}.")
        return found

    async def delete(self, message_id: int) -> None:
        """Delete a message for good: it will not be received again. Raises NotFound."""
        if not await shielded(self._delete(message_id)):
            raise NotFound(f"There is no message {message_id}.")

    async def expire(self, before: float) -> None:
        """Forget the readers that have read nothing since; all is new to them if they come again.

        ``before`` is in seconds since the epoch.
        """
        for reader in await self._places.expire(before):
            self._consumers.pop(reader, None)

    async def _delete(self, message_id: int) -> bool:
        deleted = await self._shelf.delete(message_id)
        self.messages -= deleted
        return deleted

    async def _page(self, query: Query) -> EncodedPage | None:
        after, newest = self._place_of(query), self._newest_message
        if after >= newest:
            return None
        page = await self._shelf.read_page(after, query.limit, query.filter)
        if page.count == 0 and not query.is_narrowed and self._newest_message == newest:
            # The newest ones were deleted; the next look need not touch the disk.
            self._newest_message = after
        return page if page.count else None

    def _place_of(self, query: Query) -> int:
        if query.since is not None:
            return self._log.parse(query.since)
        return self._consumers.get(query.reader, 0)

    def _answer(self, query: Query, page: EncodedPage) -> Answer:
        async def move() -> None:
            await shielded(self._move(query.reader, page.last))

        latest = self._log.place(page.last)
        return Answer(page.body, latest) if query.since else Answer(page.body, latest, move)

    async def _move(self, reader: str, seq: int) -> None:
        # At once: what was handed over is not new to a request that comes before the commit.
        self._consumers[reader] = max(seq, self._consumers.get(reader, 0))
        try:
            await self._places.move(reader, seq, now=self._now())
        except StoreError as error:
            # After a restart they are new again: rather twice than never.
            self._log_to.warn("A reader's place could not be kept: {error}", error=str(error))

    async def _poll_in_time(self) -> None:
        """Ask the drop servers; one that hangs holds nobody up for long."""
        try:
            await when_done(self._poll()).addTimeout(POLL_PATIENCE, self._clock)
        except DeferredTimeout:
            self._log_to.info("A reader waits no longer for a drop server that does not answer.")

    async def _changes_in(self, seconds: float) -> bool:
        try:
            await self._log.changed().addTimeout(seconds, self._clock)
        except DeferredTimeout:
            return False
        return True
