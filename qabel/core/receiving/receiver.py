"""Messages on their way in: fetched, told apart by hash, opened, and kept in one transaction."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from hashlib import blake2b
from typing import Protocol

from attrs import define, field
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from qabel.core.errors import StoreError
from qabel.core.receiving.classify import Sorted, sort
from qabel.core.receiving.pipeline import Batches
from qabel.core.receiving.poller import ReadFailed
from qabel.core.workers import Workers
from qabel.drop.multipart import Part
from qabel.drop.transport import MESSAGE_SIZE, VERSION, Opener, Verdict
from qabel.drop.url import DropURL
from qabel.net.errors import DropServerError
from qabel.settings.items import Identity
from qabel.settings.synced import SyncedSettings
from qabel.store.inbox.message_rows import NewMessage
from qabel.store.inbox.repository import StoredBatch
from qabel.store.inbox.seen import HASH_SIZE, Drop, DropState, ReadDone
from qabel.store.outbox.receipts import Receipt

FULL_READ_INTERVAL = 3600.0
"""Seconds between readings of a whole drop, which find what a cursor straddled."""

FOREIGN_AT_ONCE = 8192
"""Hashes of other people's messages that are kept together: fewer would cost more each."""


class Fetched(Protocol):
    """What became of a fetch: ``qabel.net.drop_client.FetchResult``."""

    @property
    def latest(self) -> str | None:
        """The cursor to go on from, if the server gave one."""

    @property
    def parts(self) -> int:
        """How many messages came."""


class Fetcher(Protocol):
    """Asks a drop server: ``qabel.net.drop_client.DropClient``."""

    def fetch(
        self,
        url: DropURL,
        since: str | None,
        on_parts: Callable[[list[Part]], Awaitable[None]],
    ) -> Awaitable[Fetched]:
        """Hand over the parts of the answer as they come. Raises DropServerError."""


class DropRepository(Protocol):
    """Where messages and the state of drops are kept: ``qabel.store.inbox.repository.Inbox``."""

    def drop_state(self, drop: Drop) -> Deferred[DropState]:
        """Tell how far a drop was read."""

    def forget_another_drop(self, kept: Sequence[str]) -> Deferred[bool]:
        """Forget a drop other than these, or some of it; tells if there may be more."""

    def unseen(self, drop: Drop, hashes: Sequence[bytes], *, now: float) -> Deferred[set[bytes]]:
        """Tell which messages are new."""

    def keep(
        self,
        drop: Drop,
        new: Sequence[NewMessage] = (),
        *,
        foreign: Sequence[bytes] = (),
        received_receipts: Sequence[Receipt] = (),
        done: ReadDone | None = None,
        now: float,
    ) -> Deferred[StoredBatch]:
        """Keep what was read, in one transaction."""


@define
class Counts:
    """What was found in drops since the start, for metrics; nothing of whose it was."""

    received: int = 0
    passed_over: int = 0
    """Other people's messages, and rubbish of other sizes."""
    seen_before: int = 0
    rubbish: int = 0
    """Sealed for one of us, and no drop message."""
    spoofed: int = 0


@define
class _Reading:
    """One reading of a drop, as far as it is."""

    memory: "_DropMemory"
    foreign: list[bytes] = field(factory=list)
    """Hashes that are not kept yet; lost ones would only be looked at again."""
    dates: list[str] = field(factory=list)


@define
class _DropMemory:
    """A drop as it is read now: for whom, how far, and when next in full."""

    drop: Drop
    opener: Opener = field(repr=False)
    owners: Sequence[Identity] = field(repr=False)
    cursor: str | None
    full_due: float
    """On the clock of the schedule."""


@define(eq=False)
class Receiver:
    """Reads drops. Whatever ends it, what it repeats is passed over, and nothing is missed."""

    _fetcher: Fetcher
    _repository: DropRepository
    _workers: Workers
    _synced: Callable[[], SyncedSettings]
    _on_kept: Callable[[StoredBatch], None]
    """Called after each commit."""
    _on_dates: Callable[[list[str]], Awaitable[None]]
    """Told the dates, as servers state them, of messages received."""
    _clock: IReactorTime = field(kw_only=True)
    _now: Callable[[], float] = field(kw_only=True)
    _full_read_interval: float = field(default=FULL_READ_INTERVAL, kw_only=True)
    counts: Counts = field(factory=Counts, init=False)
    _owners: Mapping[DropURL, Sequence[Identity]] = field(factory=dict, init=False)
    _memories: dict[DropURL, _DropMemory] = field(factory=dict, init=False)
    _locks: dict[DropURL, DeferredLock] = field(factory=dict, init=False)

    _log = Logger()

    def set_owners(self, owners: Mapping[DropURL, Sequence[Identity]]) -> None:
        """Say whose messages are in which drops."""
        self._owners = owners
        self._remember_only_owned()

    async def forget_another_drop(self) -> bool:
        """Forget a drop that is nobody's any more, or some of it; tells if there may be more.

        Raises StoreError.
        """
        self._remember_only_owned()
        return await self._repository.forget_another_drop([str(url) for url in self._owners])

    def _remember_only_owned(self) -> None:
        for gone in self._memories.keys() - self._owners.keys():
            del self._memories[gone]

    async def read(self, url: DropURL) -> None:
        """Fetch and keep what is new in one drop. Raises ReadFailed."""
        lock = self._locks.setdefault(url, DeferredLock())
        await lock.acquire()
        try:
            await self._read(url)
        except DropServerError as error:
            raise ReadFailed(error.detail) from None
        except StoreError as error:
            raise ReadFailed(str(error)) from None
        finally:
            lock.release()
            if not lock.locked:
                self._locks.pop(url, None)

    async def _read(self, url: DropURL) -> None:
        memory = await self._memory(url)
        if memory is None:
            return
        due = self._clock.seconds() >= memory.full_due
        since = None if due else memory.cursor
        reading = _Reading(memory)
        batches = Batches(partial(self._look, reading), partial(self._keep, reading))
        try:
            fetched = await self._fetch(url, since, batches)
        finally:
            batches.cancel()
            # What came whole is kept, whatever came of the rest.
            if reading.dates:
                await self._on_dates(reading.dates)
        await self._finish(reading, fetched, due=due, full=since is None)

    async def _fetch(self, url: DropURL, since: str | None, batches: Batches[Sorted]) -> Fetched:
        async def take(parts: list[Part]) -> None:
            candidates = [part for part in parts if _may_be_ours(part)]
            self.counts.passed_over += len(parts) - len(candidates)
            await batches.take(candidates)

        try:
            return await self._fetcher.fetch(url, since, take)
        finally:
            await batches.finish()

    async def _finish(self, reading: _Reading, fetched: Fetched, *, due: bool, full: bool) -> None:
        """Note how far the drop was read; where nothing changed, without touching the disk."""
        memory = reading.memory
        latest = fetched.latest if fetched.parts else None
        news = due or (latest is not None and latest != memory.cursor)
        done = ReadDone(latest, full) if news else None
        if done is not None or reading.foreign:
            await self._repository.keep(
                memory.drop, foreign=reading.foreign, done=done, now=self._now()
            )
            memory.cursor = latest or memory.cursor
        if full:
            memory.full_due = self._clock.seconds() + self._full_read_interval

    async def _memory(self, url: DropURL) -> _DropMemory | None:
        owners = self._owners.get(url, ())
        if not owners:
            return None
        drop = Drop(str(url), _fingerprint(owners))
        memory = self._memories.get(url)
        if memory is None or memory.drop != drop:
            state = await self._repository.drop_state(drop)
            opener = Opener(identity.private_key for identity in owners)
            memory = _DropMemory(drop, opener, owners, state.cursor, self._full_due(state))
            self._memories[url] = memory
        return memory

    def _full_due(self, state: DropState) -> float:
        """Turn a time of day into one of the steady clock: no jump can put it off for long."""
        if state.last_full_read is None:
            return self._clock.seconds()
        left = self._full_read_interval - (self._now() - state.last_full_read / 1000)
        return self._clock.seconds() + min(max(left, 0.0), self._full_read_interval)

    async def _look(self, reading: _Reading, parts: list[Part]) -> Sorted:
        """Find what is new among some messages, and open it: may run beside other batches."""
        memory = reading.memory
        digests = await self._workers.run(_hash_all, parts)
        new = await self._repository.unseen(memory.drop, digests, now=self._now())
        # A server may give the same message twice in one answer.
        fresh = {digest: part for digest, part in zip(digests, parts, strict=True) if digest in new}
        self.counts.seen_before += len(parts) - len(fresh)
        if not fresh:
            return Sorted()
        found = await self._workers.run(
            _open_and_sort, memory.opener, fresh, self._synced(), self._now()
        )
        self._count(found)
        return found

    async def _keep(self, reading: _Reading, found: Sorted) -> None:
        reading.foreign += found.foreign
        if not (found.messages or found.receipts or len(reading.foreign) >= FOREIGN_AT_ONCE):
            return
        foreign, reading.foreign = reading.foreign, []
        kept = await self._repository.keep(
            reading.memory.drop,
            found.messages,
            foreign=foreign,
            received_receipts=found.receipts,
            now=self._now(),
        )
        self.counts.received += len(kept.messages)
        if kept.messages:
            reading.dates += found.dates
        self._on_kept(kept)

    def _count(self, found: Sorted) -> None:
        passed_over, spoofed = found.passed_over, found.passed_over.get(Verdict.SPOOFED, 0)
        self.counts.passed_over += passed_over.get(Verdict.FOREIGN, 0)
        self.counts.rubbish += passed_over.get(Verdict.RUBBISH, 0)
        self.counts.spoofed += spoofed
        for _ in range(spoofed):
            self._log.warn("A message that names another sender than its own was passed over.")


def _fingerprint(owners: Sequence[Identity]) -> str:
    keys = sorted(identity.public_key.raw for identity in owners)
    return blake2b(b"".join(keys), digest_size=16).hexdigest()


def _open_and_sort(
    opener: Opener, fresh: Mapping[bytes, Part], synced: SyncedSettings, now: float
) -> Sorted:
    """Look into messages: in a worker."""
    return sort(fresh, opener.open_all([part.body for part in fresh.values()]), synced, now)


def _may_be_ours(part: Part) -> bool:
    """Tell by its shape whether a message is worth a look; looking again costs nothing."""
    return len(part.body) == MESSAGE_SIZE and part.body[0] == VERSION


def _hash_all(parts: Sequence[Part]) -> list[bytes]:
    return [blake2b(part.body, digest_size=HASH_SIZE).digest() for part in parts]
