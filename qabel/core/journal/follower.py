"""Followers of the journal: each reads it at its own pace, from its own cursor."""

from attrs import define, evolve, frozen
from twisted.internet.defer import CancelledError, Deferred

from qabel.contract.access import EVERYTHING, Access
from qabel.core.errors import Gone
from qabel.core.journal.journal import Entry, Journal
from qabel.store.journal.entries import DAMAGE


@frozen
class Followers:
    """Makes followers of the journal.

    They see the entries that the caller may see.
    """

    _journal: Journal
    _access: Access = EVERYTHING

    def seen_by(self, access: Access) -> "Followers":
        """Return the view that is limited to what a caller may see."""
        return evolve(self, access=access)

    def follow(self, since: str | None, *, kinds: frozenset[str] | None = None) -> "Follower":
        """Return a follower that continues from a cursor.

        Args:
            since: the cursor; None for the newest.
            kinds: the kinds of entries to return; None for all.

        Raises:
            Gone: the cursor was not given here, or events after it have been deleted.

        """
        seq = self._journal.last_seq if since is None else self._journal.parse(since)
        follower = Follower(self._journal, seq, kinds, self._access)
        follower.check()
        return follower


@define(eq=False)
class Follower:
    """One reader of the journal, which remembers nothing but its cursor."""

    _journal: Journal
    seq: int
    """The number of the last entry that was returned or skipped."""
    _kinds: frozenset[str] | None
    _access: Access
    _closed: bool = False
    _waiting: Deferred[None] | None = None

    @property
    def cursor(self) -> str:
        """The cursor of the last entry that was returned or skipped."""
        return self._journal.cursor(self.seq)

    def check(self) -> None:
        """Raise Gone if events after this follower's cursor have been deleted."""
        # A reader that starts at the beginning asks for whatever is left.
        if 0 < self.seq < self._journal.floor and self._kinds != frozenset({"drop"}):
            raise Gone(
                "Events after this cursor have been deleted (they are kept for some days). "
                "Continue from the oldest cursor, and read the settings and the outbox again.",
                oldest=self._journal.cursor(self._journal.floor),
            )

    async def next(self, limit: int = 100) -> list[Entry]:
        """Wait for the next entries, and return at least one and at most ``limit``.

        Cancel it to stop waiting. After ``close`` the list is empty. Raises Gone or StoreError.
        """
        while not self._closed:
            self.check()
            upto = self._journal.held
            if self.seq >= upto:
                await self._more()
                continue
            wanted = self._pass(await self._journal.after(self.seq, limit), upto)
            if wanted:
                return wanted
        return []

    def take(self, limit: int) -> list[Entry] | None:
        """Return up to ``limit`` next entries that are in memory, without waiting.

        The list is empty if there are none yet; None means that they are on disk, and can be read
        with ``next``. Raises Gone.
        """
        self.check()
        while self.seq < self._journal.held:
            entries = self._journal.in_memory_after(self.seq, limit)
            if entries is None:
                return None
            wanted = self._pass(entries, self._journal.held)
            if wanted:
                return wanted
        return []

    def close(self) -> None:
        """Close the follower: ``next`` returns no entries from now on."""
        self._closed = True
        if self._waiting is not None:
            self._waiting.cancel()

    async def _more(self) -> None:
        self._waiting = self._journal.more()
        try:
            await self._waiting
        except CancelledError:
            if not self._closed:
                raise
        finally:
            self._waiting = None

    def _pass(self, entries: list[Entry], upto: int) -> list[Entry]:
        """Move past entries, or to ``upto`` if there are none; return those that it wants."""
        self.seq = entries[-1].seq if entries else max(self.seq, upto)
        return [entry.as_seen_by(self._access) for entry in entries if self._wants(entry)]

    def _wants(self, entry: Entry) -> bool:
        # What is missing is said to whoever asked for it, or may have.
        kind = entry.stands_for if entry.kind == DAMAGE else entry.kind
        is_wanted = self._kinds is None or kind is None or kind in self._kinds
        return is_wanted and entry.is_for(self._access)
