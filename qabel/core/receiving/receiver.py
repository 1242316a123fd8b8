"""Reading a drop: messages are fetched, compared by hash, opened, and kept in one transaction."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from hashlib import blake2b
from typing import Protocol

from attrs import define, field
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from qabel.core.errors import StoreError
from qabel.core.receiving.classify import Classified, classify
from qabel.core.receiving.owned_drops import OwnedDrop, OwnedDrops
from qabel.core.receiving.pipeline import Batches
from qabel.core.receiving.poller import ReadFailed
from qabel.core.workers import Workers
from qabel.drop.multipart import Part
from qabel.drop.transport import MESSAGE_SIZE, VERSION, Opener, Verdict
from qabel.drop.url import DropURL
from qabel.net.errors import DropServerError
from qabel.settings.synced import SyncedSettings
from qabel.store.inbox.message_rows import NewMessage
from qabel.store.inbox.repository import StoredBatch
from qabel.store.inbox.seen import HASH_SIZE, Drop, ReadDone
from qabel.store.outbox.receipts import Receipt

FOREIGN_AT_ONCE = 8192
"""Hashes of other people's messages that are kept together: fewer would cost more each."""


class Fetched(Protocol):
    """The result of a fetch: ``qabel.net.drop_client.FetchResult``."""

    @property
    def latest(self) -> str | None:
        """The cursor to go on from, if the server gave one."""

    @property
    def parts(self) -> int:
        """How many messages arrived."""


class Fetcher(Protocol):
    """Fetches from a drop server: ``qabel.net.drop_client.DropClient``."""

    def fetch(
        self,
        url: DropURL,
        since: str | None,
        on_parts: Callable[[list[Part]], Awaitable[None]],
    ) -> Awaitable[Fetched]:
        """Hand over the parts of the response as they arrive. Raises DropServerError."""


class BatchRepository(Protocol):
    """Where received messages are kept: ``qabel.store.inbox.repository.InboxRepository``."""

    def record_found(
        self, drop: Drop, hashes: Sequence[bytes], *, now: float
    ) -> Deferred[set[bytes]]:
        """Return the hashes of those that are new."""

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
    """What was found in drops since the start, for metrics; not whose it was."""

    received: int = 0
    passed_over: int = 0
    """Messages for others, and those of another size."""
    seen_before: int = 0
    rubbish: int = 0
    """Sealed for one of us, and not a drop message."""
    spoofed: int = 0


@define
class _Reading:
    """One reading of a drop, as far as it has got."""

    drop: OwnedDrop
    foreign: list[bytes] = field(factory=list)
    """Hashes that are not kept yet; lost ones would only be looked at again."""
    dates: list[str] = field(factory=list)


@define(eq=False)
class Receiver:
    """Reads drops. Whatever ends it, what it repeats is passed over, and nothing is missed."""

    _fetcher: Fetcher
    _drops: OwnedDrops
    _repository: BatchRepository
    _workers: Workers
    _synced: Callable[[], SyncedSettings]
    _on_kept: Callable[[StoredBatch], None]
    """Called after each commit."""
    _on_dates: Callable[[list[str]], Awaitable[None]]
    """Told the dates, as servers state them, of messages received."""
    _clock: IReactorTime = field(kw_only=True)
    _now: Callable[[], float] = field(kw_only=True)
    counts: Counts = field(factory=Counts, init=False)
    _locks: dict[DropURL, DeferredLock] = field(factory=dict, init=False)

    _log = Logger()

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
        drop = await self._drops.find(url)
        if drop is None:
            return
        due = self._clock.seconds() >= drop.full_due
        since = None if due else drop.cursor
        reading = _Reading(drop)
        batches = Batches(partial(self._look, reading), partial(self._keep, reading))
        try:
            fetched = await self._fetch(url, since, batches)
        finally:
            batches.cancel()
            # What came whole is kept, whatever came of the rest.
            if reading.dates:
                await self._on_dates(reading.dates)
        await self._finish(reading, fetched, due=due, full=since is None)

    async def _fetch(
        self, url: DropURL, since: str | None, batches: Batches[Classified]
    ) -> Fetched:
        async def take(parts: list[Part]) -> None:
            candidates = [part for part in parts if _may_be_ours(part)]
            self.counts.passed_over += len(parts) - len(candidates)
            await batches.take(candidates)

        try:
            return await self._fetcher.fetch(url, since, take)
        finally:
            await batches.finish()

    async def _finish(self, reading: _Reading, fetched: Fetched, *, due: bool, full: bool) -> None:
        """Keep how far the drop was read; the disk is not touched if nothing changed."""
        drop = reading.drop
        latest = fetched.latest if fetched.parts else None
        news = due or (latest is not None and latest != drop.cursor)
        done = ReadDone(latest, full) if news else None
        if done is not None or reading.foreign:
            await self._repository.keep(
                drop.drop, foreign=reading.foreign, done=done, now=self._now()
            )
            drop.cursor = latest or drop.cursor
        if full:
            self._drops.was_read_in_full(drop)

    async def _look(self, reading: _Reading, parts: list[Part]) -> Classified:
        """Find the new ones among some messages, and open them: may run beside other batches."""
        drop = reading.drop
        digests = await self._workers.run(_hash_all, parts)
        new = await self._repository.record_found(drop.drop, digests, now=self._now())
        # A server may give the same message twice in one answer.
        fresh = {digest: part for digest, part in zip(digests, parts, strict=True) if digest in new}
        self.counts.seen_before += len(parts) - len(fresh)
        if not fresh:
            return Classified()
        found = await self._workers.run(
            _open_and_classify, drop.opener, fresh, self._synced(), self._now()
        )
        self._count(found)
        return found

    async def _keep(self, reading: _Reading, found: Classified) -> None:
        reading.foreign += found.foreign
        if not (found.messages or found.receipts or len(reading.foreign) >= FOREIGN_AT_ONCE):
            return
        foreign, reading.foreign = reading.foreign, []
        kept = await self._repository.keep(
            reading.drop.drop,
            found.messages,
            foreign=foreign,
            received_receipts=found.receipts,
            now=self._now(),
        )
        self.counts.received += len(kept.messages)
        if kept.messages:
            reading.dates += found.dates
        self._on_kept(kept)

    def _count(self, found: Classified) -> None:
        passed_over, spoofed = found.passed_over, found.passed_over.get(Verdict.SPOOFED, 0)
        self.counts.passed_over += passed_over.get(Verdict.FOREIGN, 0)
        self.counts.rubbish += passed_over.get(Verdict.RUBBISH, 0)
        self.counts.spoofed += spoofed
        for _ in range(spoofed):
            self._log.warn("Ignored a message whose sender is not the one that sealed it.")


def _open_and_classify(
    opener: Opener, fresh: Mapping[bytes, Part], synced: SyncedSettings, now: float
) -> Classified:
    """Open messages and classify them: in a worker."""
    return classify(fresh, opener.open_all([part.body for part in fresh.values()]), synced, now)


def _may_be_ours(part: Part) -> bool:
    """Return whether a message has the shape of ours; looking again costs nothing."""
    return len(part.body) == MESSAGE_SIZE and part.body[0] == VERSION


def _hash_all(parts: Sequence[Part]) -> list[bytes]:
    return [blake2b(part.body, digest_size=HASH_SIZE).digest() for part in parts]
