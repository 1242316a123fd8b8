"""Read the inbox: the messages that are new to a reader, with waiting for them."""

from collections.abc import AsyncIterator, Callable

import msgspec
from attrs import define, evolve, field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from qabel.contract.access import EVERYTHING, Access
from qabel.core.errors import Forbidden, NotFound, StoreError
from qabel.core.inbox.message_query import MessageQuery
from qabel.core.inbox.page import Page, ranges_text
from qabel.core.inbox.turns import Turns
from qabel.core.inbox.views import MessageView
from qabel.core.journal.journal import Journal
from qabel.core.people.hidden_addresses import as_seen_by
from qabel.deferreds import shielded, when_done
from qabel.store.inbox.message_rows import Filter
from qabel.store.inbox.repository import EncodedPage, InboxRepository
from qabel.store.journal.cursors import CursorRepository, Reader

POLL_PATIENCE = 20.0
"""Seconds that a read with ``poll_first`` waits for the drop servers at most."""

MAX_WAIT = 60.0
"""Seconds that a read waits for new messages at most."""


@define(eq=False)
class InboxState:
    """The state of the inbox that is held in memory."""

    consumers: dict[Reader, int]
    """The cursor of each reader."""
    newest_message: int
    """The id of the newest message; 0 if there is none."""
    messages: int
    """How many messages are stored."""

    def forget_owner(self, owner: int) -> None:
        """Forget the cursors of a token that was revoked."""
        for reader in [each for each in self.consumers if each[0] == owner]:
            del self.consumers[reader]


@frozen(kw_only=True)
class InboxReader:
    """Returns to each reader the messages that are new to it.

    If nothing is new, the disk is not touched. It is a view of what the caller may see, and the
    caller's readers are its own: those of other tokens with the same names are others.
    """

    _repository: InboxRepository
    _cursors: CursorRepository
    _journal: Journal
    _state: InboxState
    _clock: IReactorTime
    _now: Callable[[], float]
    _poll: Callable[[int | None, int | None], Deferred[None]]
    """Reads the drops of an identity, of a contact's identity, or of all; see ``ReaderPolls``."""
    _is_owner: Callable[[int], bool]
    """Returns whether there is a token with an id; 0 is the owner of the daemon."""
    _turns: Turns = field(factory=Turns)
    _access: Access = EVERYTHING

    _log = Logger()

    def seen_by(self, access: Access) -> "InboxReader":
        """Return the view of a caller."""
        return evolve(self, access=access)

    @property
    def messages(self) -> int:
        """How many messages are stored, of all identities."""
        return self._state.messages

    def arrived(self, last: int, count: int) -> None:
        """Note that ``count`` messages were stored, the last of them with the id ``last``."""
        self._state.newest_message = max(self._state.newest_message, last)
        self._state.messages += count

    def removed(self, count: int, last_seq: int) -> None:
        """Note that ``count`` messages were deleted.

        ``last_seq`` is the newest number in the journal, which says what they were.
        """
        self._state.messages -= count
        self._journal.advance(last_seq)

    async def read(
        self,
        query: MessageQuery,
        *,
        wait: float = 0.0,
        poll_first: bool = False,
        in_turn: bool = False,
    ) -> Page:
        """Return the messages that are new to a reader, oldest first.

        Args:
            query: which messages, and for which consumer.
            wait: seconds to wait for new messages, at most ``MAX_WAIT``.
            poll_first: read the drops that the query is about before looking.
            in_turn: wait until no other page is being delivered to the same reader.

        Raises:
            Gone: ``since`` was not given here.
            Forbidden: the query is about another identity than the view.
            NotFound: the token of the consumer does not exist.
            StoreError: the database could not be read.

        """
        wanted = self._restricted(query)
        if poll_first:
            await self._poll_in_time(wanted)
        ends = self._clock.seconds() + min(wait, MAX_WAIT)
        if not in_turn or wanted.since is not None:
            return await self._read_until(wanted, ends)
        reader = self._reader_of(wanted)
        return await self._turns.in_turn(reader, lambda: self._read_until(wanted, ends))

    async def acknowledge(self, query: MessageQuery, upto: str) -> None:
        """Move a consumer's cursor to ``upto``; it never moves back.

        Args:
            query: the consumer and the conditions of the page; each combination has its cursor.
            upto: the cursor up to which messages are not new to the consumer any more: the
                ``latest`` of a page.

        Raises:
            Gone: ``upto`` was not given here.
            Forbidden: the query is about another identity than the view.
            NotFound: the token of the consumer does not exist.
            StoreError: the cursor could not be stored, and has not moved.

        """
        wanted = self._restricted(query)
        await shielded(self._store_cursor(self._reader_of(wanted), self._journal.parse(upto)))

    async def message(self, message_id: int) -> MessageView:
        """Return one message. Raises NotFound."""
        found = await self._repository.get_encoded(message_id, self._visible(Filter()))
        if found is None:
            raise NotFound(f"No message {message_id}.")
        return msgspec.json.decode(as_seen_by(found, self._access), type=MessageView)

    async def delete(self, message_id: int) -> None:
        """Delete a message for good: it is not received again. Raises NotFound."""
        if not await shielded(self._delete(message_id)):
            raise NotFound(f"No message {message_id}.")

    async def delete_older(self, before: float) -> AsyncIterator[None]:
        """Delete all messages that were received before a time, a portion with each iteration.

        ``before`` is in seconds since the epoch. Raises StoreError.
        """
        after: int | None = 0
        while after is not None:
            after = await shielded(self._delete_some(before, after))
            yield

    async def expire(self, before: float) -> None:
        """Forget the cursors of readers that have not read for long; all messages are new to them.

        ``before`` is the time of their last read, in seconds since the epoch. Raises StoreError.
        """
        for reader in await self._cursors.expire(before):
            self._state.consumers.pop(reader, None)

    def _restricted(self, query: MessageQuery) -> MessageQuery:
        if query.of is not None and not self._is_owner(query.of):
            raise NotFound(f"No token {query.of}.")
        only = self._access.identity
        if only is None:
            return query
        if query.identity not in (None, only.id):
            raise Forbidden("This token is limited to another identity.")
        return evolve(query, identity=only.id)

    def _visible(self, which: Filter) -> Filter:
        """Return the conditions with those of the view: also the key must be the identity's."""
        only = self._access.identity
        return which if only is None else evolve(which, identity_id=only.id, receiver=only.key)

    def _reader_of(self, query: MessageQuery) -> Reader:
        return (self._access.owner if query.of is None else query.of, query.name)

    async def _delete(self, message_id: int) -> bool:
        visible = self._visible(Filter())
        newest = await self._repository.delete(message_id, visible, now=self._now())
        if newest is None:
            return False
        self.removed(1, newest)
        return True

    async def _delete_some(self, before: float, after: int) -> int | None:
        expired = await self._repository.expire(before, after, now=self._now())
        self.removed(expired.count, expired.last_seq)
        return expired.after

    async def _read_until(self, query: MessageQuery, ends: float) -> Page:
        while True:
            # Taken before the read: what is committed meanwhile is found by the next iteration.
            newest = self._journal.last_seq
            page = await self._page(query)
            if page is not None:
                return self._answer(query, page)
            left = ends - self._clock.seconds()
            if left <= 0:
                return Page(None, self._journal.cursor(newest))
            if self._journal.last_seq == newest and not await self._changes_in(left):
                return Page(None, self._journal.newest)

    async def _page(self, query: MessageQuery) -> EncodedPage | None:
        after, newest = self._cursor_of(query), self._state.newest_message
        if after >= newest:
            return None
        which = self._visible(query.filter)
        page = await self._repository.read_page(after, query.limit, which, upto=newest)
        if page.damaged:
            return page
        if page.count == 0 and not query.is_narrowed and self._state.newest_message == newest:
            # The newest messages were deleted; the next read need not touch the disk.
            self._state.newest_message = after
        return page if page.count else None

    def _cursor_of(self, query: MessageQuery) -> int:
        if query.since is not None:
            return self._journal.parse(query.since)
        return self._state.consumers.get(self._reader_of(query), 0)

    def _answer(self, query: MessageQuery, page: EncodedPage) -> Page:
        async def move() -> None:
            await shielded(self._move(reader, page.last))

        reader = self._reader_of(query)
        latest = self._journal.cursor(page.last)
        damaged = ranges_text((each.first, each.last) for each in page.damaged)
        body = as_seen_by(page.body, self._access)
        if query.since is not None or query.hold:
            return Page(body, latest, damaged=damaged)
        return Page(body, latest, move, self._turns, reader, damaged)

    async def _move(self, reader: Reader, seq: int) -> None:
        # At once, so that the messages are not new to a request that comes before the commit.
        self._note(reader, seq)
        try:
            await self._cursors.move(reader, seq, now=self._now())
        except StoreError as error:
            # After a restart the messages are new again: better twice than never.
            self._log.warn("Cannot store the cursor of a reader: {error}", error=str(error))

    async def _store_cursor(self, reader: Reader, seq: int) -> None:
        await self._cursors.move(reader, seq, now=self._now())
        self._note(reader, seq)

    def _note(self, reader: Reader, seq: int) -> None:
        # A page may still be on its way to a token that was revoked.
        if self._is_owner(reader[0]):
            consumers = self._state.consumers
            consumers[reader] = max(seq, consumers.get(reader, 0))

    async def _poll_in_time(self, query: MessageQuery) -> None:
        """Read the drops that a query is about, and wait for up to ``POLL_PATIENCE``."""
        try:
            reading = self._poll(query.identity, query.contact)
            await when_done(reading).addTimeout(POLL_PATIENCE, self._clock)
        except DeferredTimeout:
            self._log.info(
                "A drop server did not respond in time; a reader was answered without it."
            )

    async def _changes_in(self, seconds: float) -> bool:
        try:
            await self._journal.changed().addTimeout(seconds, self._clock)
        except DeferredTimeout:
            return False
        return True
