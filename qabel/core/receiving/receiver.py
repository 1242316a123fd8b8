"""Read a drop: messages are fetched, compared by hash, opened, and stored."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from hashlib import blake2b
from typing import Protocol

from attrs import define, field
from twisted.internet.defer import DeferredLock
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from qabel.core.errors import StoreError
from qabel.core.receiving.classify import Classified, classify
from qabel.core.receiving.owned_drops import OwnedDrop, OwnedDrops
from qabel.core.receiving.pipeline import Batches
from qabel.core.receiving.poller import NotStored, ReadFailed
from qabel.core.workers import Workers
from qabel.crypto import PublicKey
from qabel.drop.multipart import Part
from qabel.drop.transport import MESSAGE_SIZE, VERSION, Opener, Verdict
from qabel.drop.url import DropURL
from qabel.host.log_limits import RareLog
from qabel.net.drop_client import FetchResult
from qabel.net.drop_responses import shows_no_drop_server
from qabel.net.errors import DropServerError
from qabel.settings.synced import SyncedSettings
from qabel.store.inbox.refused import Refused
from qabel.store.inbox.repository import InboxRepository, StoredBatch
from qabel.store.inbox.seen import HASH_SIZE, ReadDone
from qabel.store.inbox.strangers import StrangerLimits

FOREIGN_AT_ONCE = 8192
"""Hashes of other people's messages that are stored together: fewer would cost more each."""


class Fetcher(Protocol):
    """Fetches from drop servers: ``qabel.net.drop_client.DropClient``."""

    def fetch(
        self,
        url: DropURL,
        since: str | None,
        on_parts: Callable[[list[Part]], Awaitable[None]],
    ) -> Awaitable[FetchResult]:
        """Pass the parts of the response to ``on_parts`` as they arrive. Raises DropServerError."""


@define
class Counts:
    """How many messages were found in drops since the start, by kind."""

    received: int = 0
    passed_over: int = 0
    """Messages for others, and those that do not have the size or version of ours."""
    seen_before: int = 0
    rubbish: int = 0
    """Sealed for one of our identities, but not a drop message."""
    spoofed: int = 0
    """Messages that name another sender than the one that sealed them."""
    refused: int = 0
    """Messages of strangers that were not kept, because of the settings or for lack of room."""
    blocked: int = 0
    """Messages of blocked senders."""


@define
class _Reading:
    """The progress of reading a drop."""

    drop: OwnedDrop
    asked: int
    """How often a full reading had been asked for when this one began."""
    foreign: list[bytes] = field(factory=list)
    """Hashes that are not stored yet; if they are lost, their messages are opened again."""
    refused: list[Refused] = field(factory=list)
    """The same of messages that are not to be kept at present."""
    dates: list[str] = field(factory=list)


@define(eq=False)
class Receiver:
    """Reads drops. If a read is interrupted, the next one repeats it and skips what is stored."""

    _fetcher: Fetcher
    _drops: OwnedDrops
    _repository: InboxRepository
    _workers: Workers
    _synced: Callable[[], SyncedSettings]
    _blocked: Callable[[], frozenset[bytes]]
    """Returns the public keys whose messages are passed over."""
    _limits: Callable[[], StrangerLimits]
    _on_kept: Callable[[StoredBatch], None]
    """Called with what was stored, after each commit."""
    _on_dates: Callable[[list[str]], Awaitable[None]]
    """Called with the dates of received messages, as the drop servers state them."""
    _make_time_stamp: Callable[[PublicKey], int]
    """Returns a new time stamp of an identity, in any thread."""
    _clock: IReactorTime = field(kw_only=True)
    _now: Callable[[], float] = field(kw_only=True)
    counts: Counts = field(factory=Counts, init=False)
    _locks: dict[DropURL, DeferredLock] = field(factory=dict, init=False)
    _rare_log: RareLog = field(init=False)

    _log = Logger()

    def __attrs_post_init__(self) -> None:
        self._rare_log = RareLog(self._log, self._clock.seconds)

    async def read(self, url: DropURL) -> None:
        """Fetch and store the new messages of a drop. Raises ReadFailed or NotStored."""
        lock = self._locks.setdefault(url, DeferredLock())
        await lock.acquire()
        try:
            await self._read(url)
        except DropServerError as error:
            shown = shows_no_drop_server(error)
            raise ReadFailed(error.detail, shows_no_drop_server=shown) from None
        except StoreError as error:
            raise NotStored(str(error)) from None
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
        full, started = since is None, self._clock.seconds()
        reading = _Reading(drop, drop.asked)
        batches = Batches(partial(self._look, reading), partial(self._keep, reading))
        try:
            fetched = await self._fetch(url, since, batches)
        finally:
            batches.cancel()
            if full:
                self._drops.ended_full_read(drop, self._clock.seconds() - started)
            # What arrived completely is stored, even if the rest failed.
            if reading.dates:
                await self._on_dates(reading.dates)
        await self._finish(reading, fetched, due=due, full=full and reading.asked == drop.asked)

    async def _fetch(
        self, url: DropURL, since: str | None, batches: Batches[Classified]
    ) -> FetchResult:
        async def take(parts: list[Part]) -> None:
            candidates = [part for part in parts if _may_be_ours(part)]
            self.counts.passed_over += len(parts) - len(candidates)
            await batches.take(candidates)

        try:
            return await self._fetcher.fetch(url, since, take)
        finally:
            await batches.finish()

    async def _finish(
        self, reading: _Reading, fetched: FetchResult, *, due: bool, full: bool
    ) -> None:
        """Store how far the drop was read; the disk is not touched if nothing changed."""
        drop = reading.drop
        latest = fetched.latest if fetched.parts else None
        news = due or (latest is not None and latest != drop.cursor)
        done = ReadDone(latest, full) if news else None
        if done is not None or reading.foreign or reading.refused:
            await self._repository.keep(
                drop.drop,
                foreign=reading.foreign,
                refused=reading.refused,
                done=done,
                now=self._now(),
            )
            drop.cursor = latest or drop.cursor
        if full:
            self._drops.was_read_in_full(drop)

    async def _look(self, reading: _Reading, parts: list[Part]) -> Classified:
        """Open and classify the new ones of some messages; may run beside other batches."""
        drop = reading.drop
        digests = await self._workers.run(_hash_all, parts)
        new = await self._repository.record_found(drop.drop, digests, now=self._now())
        # A server may return the same message twice in one response.
        fresh = {digest: part for digest, part in zip(digests, parts, strict=True) if digest in new}
        self.counts.seen_before += len(parts) - len(fresh)
        if not fresh:
            return Classified()
        found = await self._workers.run(
            _open_and_classify,
            drop.opener,
            fresh,
            self._synced(),
            self._blocked(),
            self._now(),
            self._make_time_stamp,
        )
        self._count(found)
        return found

    async def _keep(self, reading: _Reading, found: Classified) -> None:
        reading.foreign += found.foreign
        reading.refused += found.blocked
        waiting = len(reading.foreign) + len(reading.refused)
        if not (found.messages or found.receipts or waiting >= FOREIGN_AT_ONCE):
            return
        foreign, reading.foreign = reading.foreign, []
        refused, reading.refused = reading.refused, []
        kept = await self._repository.keep(
            reading.drop.drop,
            found.messages,
            foreign=foreign,
            refused=refused,
            received_receipts=found.receipts,
            limits=self._limits(),
            now=self._now(),
        )
        self.counts.received += len(kept.messages)
        self.counts.refused += kept.refused
        if kept.messages:
            reading.dates += found.dates
        self._on_kept(kept)

    def _count(self, found: Classified) -> None:
        passed_over, spoofed = found.passed_over, found.passed_over.get(Verdict.SPOOFED, 0)
        self.counts.passed_over += passed_over.get(Verdict.FOREIGN, 0)
        self.counts.rubbish += passed_over.get(Verdict.RUBBISH, 0)
        self.counts.spoofed += spoofed
        self.counts.blocked += len(found.blocked)
        if spoofed:
            self._rare_log.warn(
                "Ignored messages that name another sender than the one that sealed them; "
                "{count} since the start.",
                count=self.counts.spoofed,
            )


def _open_and_classify(
    opener: Opener,
    fresh: Mapping[bytes, Part],
    synced: SyncedSettings,
    blocked: frozenset[bytes],
    now: float,
    make_time_stamp: Callable[[PublicKey], int],
) -> Classified:
    """Open and classify messages; called in a worker."""
    opened = opener.open_all([part.body for part in fresh.values()])
    return classify(fresh, opened, synced, now, blocked=blocked, make_time_stamp=make_time_stamp)


def _may_be_ours(part: Part) -> bool:
    """Return whether a message has the size and version of ours (the prefilter)."""
    return len(part.body) == MESSAGE_SIZE and part.body[0] == VERSION


def _hash_all(parts: Sequence[Part]) -> list[bytes]:
    return [blake2b(part.body, digest_size=HASH_SIZE).digest() for part in parts]
