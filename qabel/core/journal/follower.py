"""Following the journal: each reader at its own pace, from a cursor of its own."""

from attrs import define, evolve, frozen
from twisted.internet.defer import CancelledError, Deferred

from qabel.core.errors import Gone
from qabel.core.journal.journal import Entry, Journal


@frozen
class Followers:
    """The journal as those see it who follow it.

    With ``only`` they are told of what is about that identity, and of nothing else.
    """

    _journal: Journal
    _only: int | None = None

    def seen_by(self, identity_id: int) -> "Followers":
        """Return the view that has one identity only."""
        return evolve(self, only=identity_id)

    def follow(self, since: str | None, *, kinds: frozenset[str] | None = None) -> "Follower":
        """Return a follower that goes on from a cursor, or from now on.

        Args:
            since: the cursor; None for the newest there is.
            kinds: tell only of these.

        Raises:
            Gone: the cursor is not of this database, or events after it are gone.

        """
        seq = self._journal.last_seq if since is None else self._journal.parse(since)
        follower = Follower(self._journal, seq, kinds, self._only)
        follower.check()
        return follower


@define(eq=False)
class Follower:
    """One reader of the journal. It holds nothing but its cursor."""

    _journal: Journal
    seq: int
    """The number of the last entry that was returned, or passed over."""
    _kinds: frozenset[str] | None
    _only: int | None
    _closed: bool = False
    _waiting: Deferred[None] | None = None

    @property
    def cursor(self) -> str:
        """The cursor of the last entry that was returned, or passed over."""
        return self._journal.cursor(self.seq)

    def check(self) -> None:
        """Raise Gone if entries after this follower's cursor are gone."""
        # A reader from the very beginning asks for what there is.
        if 0 < self.seq < self._journal.floor and self._kinds != frozenset({"drop"}):
            raise Gone(
                "Events after this cursor are gone: they are kept for some days only. Continue "
                "from the oldest cursor, and read the settings and the outbox again.",
                oldest=self._journal.cursor(self._journal.floor),
            )

    async def next(self, limit: int = 100) -> list[Entry]:
        """Return the next entries, at least one; waits until there is one.

        Cancelling is the way to stop waiting. After ``close`` it returns none. Raises Gone.
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
        """Return the next entries at once: none if there are none yet.

        None if ``next`` has to be asked, as they are on the disk. Raises Gone.
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
        """End it: ``next`` returns none from now on."""
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
        """Move past entries, or where there are none past ``upto``; return those that it wants."""
        self.seq = entries[-1].seq if entries else max(self.seq, upto)
        return [entry for entry in entries if self._wants(entry)]

    def _wants(self, entry: Entry) -> bool:
        return (self._kinds is None or entry.kind in self._kinds) and (
            self._only is None or entry.identity_id == self._only
        )
