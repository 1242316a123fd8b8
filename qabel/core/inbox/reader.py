"""Reading the inbox: what is new to whom, and waiting for it."""

from collections.abc import Callable
from typing import Protocol

import msgspec
from attrs import define, evolve, field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from qabel.core.errors import Forbidden, NotFound, StoreError
from qabel.core.inbox.page import Page
from qabel.core.inbox.query import Query
from qabel.core.inbox.turns import Turns
from qabel.core.inbox.views import MessageView
from qabel.core.journal.journal import Journal
from qabel.deferreds import shielded, when_done
from qabel.store.inbox.message_rows import Filter
from qabel.store.inbox.repository import EncodedPage

POLL_PATIENCE = 20.0
"""Seconds that a reader who has the drop servers asked first waits for them at most."""

MAX_WAIT = 60.0
"""Seconds that a reader may wait for something new."""


class MessageRepository(Protocol):
    """Where messages are kept: ``qabel.store.inbox.repository``."""

    def read_page(self, after: int, limit: int, which: Filter) -> Deferred[EncodedPage]:
        """Return messages as one JSON list."""

    def get_encoded(self, message_id: int, which: Filter) -> Deferred[bytes | None]:
        """Return one message as a JSON object."""

    def delete(self, message_id: int) -> Deferred[bool]:
        """Delete a message; fires with whether there was one."""


class InboxCursors(Protocol):
    """Where the cursors of consumers are kept: ``qabel.store.journal.cursors``."""

    def move(self, consumer: str, seq: int, *, now: float) -> Deferred[int]:
        """Move a consumer forward; fires with where it is then."""

    def expire(self, before: float) -> Deferred[list[str]]:
        """Forget the cursors that were last moved before a time; fires with their names."""


@define(eq=False)
class InboxState:
    """What is known of the inbox without asking the disk."""

    consumers: dict[str, int]
    newest_message: int
    messages: int


@frozen(kw_only=True)
class InboxReader:
    """Gives each reader what is new to it. With nothing new, no disk is touched.

    With ``only`` it is a view in which there are the messages to that identity, and no others.
    """

    _repository: MessageRepository
    _cursors: InboxCursors
    _journal: Journal
    _state: InboxState
    _clock: IReactorTime
    _now: Callable[[], float]
    _poll: Callable[[], Deferred[None]]
    _turns: Turns = field(factory=Turns)
    _only: int | None = None

    _log = Logger()

    def seen_by(self, identity_id: int) -> "InboxReader":
        """Return the view that has one identity only."""
        return evolve(self, only=identity_id)

    @property
    def messages(self) -> int:
        """How many messages there are, whoever they are to."""
        return self._state.messages

    def arrived(self, last: int, count: int) -> None:
        """Note that messages were kept, the last of them with this id."""
        self._state.newest_message = max(self._state.newest_message, last)
        self._state.messages += count

    async def read(
        self,
        query: Query,
        *,
        wait: float = 0.0,
        poll_first: bool = False,
        in_turn: bool = False,
    ) -> Page:
        """Return the messages that are new, oldest first.

        Args:
            query: which, and new to whom.
            wait: seconds to wait for something new, at most ``MAX_WAIT``.
            poll_first: poll the drop servers before looking.
            in_turn: wait until no other page is on its way to the same reader.

        Raises:
            Gone: ``since`` is not of this database.
            Forbidden: the query is about another identity than the only one.

        """
        wanted = self._restricted(query)
        if poll_first:
            await self._poll_in_time()
        ends = self._clock.seconds() + min(wait, MAX_WAIT)
        if not in_turn or wanted.since is not None:
            return await self._read_until(wanted, ends)
        return await self._turns.in_turn(wanted.reader, lambda: self._read_until(wanted, ends))

    async def message(self, message_id: int) -> MessageView:
        """Return one message. Raises NotFound."""
        found = await self._repository.get_encoded(message_id, Filter(identity_id=self._only))
        if found is None:
            raise NotFound(f"There is no message {message_id}.")
        return msgspec.json.decode(found, type=MessageView)

    async def delete(self, message_id: int) -> None:
        """Delete a message for good: it will not be received again. Raises NotFound."""
        if not await shielded(self._delete(message_id)):
            raise NotFound(f"There is no message {message_id}.")

    async def expire(self, before: float) -> None:
        """Forget the readers that have read nothing since; all is new to them if they come again.

        ``before`` is in seconds since the epoch.
        """
        for reader in await self._cursors.expire(before):
            self._state.consumers.pop(reader, None)

    def _restricted(self, query: Query) -> Query:
        if self._only is None:
            return query
        if query.identity not in (None, self._only):
            raise Forbidden("The token is for another identity.")
        return evolve(query, identity=self._only)

    async def _delete(self, message_id: int) -> bool:
        deleted = await self._repository.delete(message_id)
        self._state.messages -= deleted
        return deleted

    async def _read_until(self, query: Query, ends: float) -> Page:
        while True:
            # Before the reading: what is committed meanwhile is found by the next look.
            newest = self._journal.last_seq
            page = await self._page(query)
            if page is not None:
                return self._answer(query, page)
            left = ends - self._clock.seconds()
            if left <= 0:
                return Page(None, self._journal.cursor(newest))
            if self._journal.last_seq == newest and not await self._changes_in(left):
                return Page(None, self._journal.newest)

    async def _page(self, query: Query) -> EncodedPage | None:
        after, newest = self._cursor_of(query), self._state.newest_message
        if after >= newest:
            return None
        page = await self._repository.read_page(after, query.limit, query.filter)
        if page.count == 0 and not query.is_narrowed and self._state.newest_message == newest:
            # The newest ones were deleted; the next look need not touch the disk.
            self._state.newest_message = after
        return page if page.count else None

    def _cursor_of(self, query: Query) -> int:
        if query.since is not None:
            return self._journal.parse(query.since)
        return self._state.consumers.get(query.reader, 0)

    def _answer(self, query: Query, page: EncodedPage) -> Page:
        async def move() -> None:
            await shielded(self._move(query.reader, page.last))

        latest = self._journal.cursor(page.last)
        if query.since is not None:
            return Page(page.body, latest)
        return Page(page.body, latest, move, self._turns, query.reader)

    async def _move(self, reader: str, seq: int) -> None:
        # At once: what was handed over is not new to a request that comes before the commit.
        consumers = self._state.consumers
        consumers[reader] = max(seq, consumers.get(reader, 0))
        try:
            await self._cursors.move(reader, seq, now=self._now())
        except StoreError as error:
            # After a restart they are new again: rather twice than never.
            self._log.warn("A reader's cursor could not be kept: {error}", error=str(error))

    async def _poll_in_time(self) -> None:
        """Poll the drop servers; one that hangs holds nobody up for long."""
        try:
            await when_done(self._poll()).addTimeout(POLL_PATIENCE, self._clock)
        except DeferredTimeout:
            self._log.info("A reader waits no longer for a drop server that does not answer.")

    async def _changes_in(self, seconds: float) -> bool:
        try:
            await self._journal.changed().addTimeout(seconds, self._clock)
        except DeferredTimeout:
            return False
        return True
