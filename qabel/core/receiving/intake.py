"""Process the messages of a response: compare hashes, open, classify, and store."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from attrs import define, field, frozen
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from qabel.core.acknowledgement_times import AcknowledgementPlan
from qabel.core.receiving.classify import Classified, classify
from qabel.core.receiving.drop_reading import DropReading
from qabel.core.receiving.full_readings import OwnedDrop
from qabel.core.receiving.halves import in_halves
from qabel.core.receiving.part_order import Point, last_point
from qabel.core.workers import Workers
from qabel.drop.multipart import Part
from qabel.drop.transport import Opener, Verdict, hash_message, may_be_ours
from qabel.host.log_limits import RareLog
from qabel.settings.synced import SyncedSettings
from qabel.store.database.errors import Corrupt
from qabel.store.inbox.keeping import StoredBatch
from qabel.store.inbox.message_rows import NewMessage
from qabel.store.inbox.repository import InboxRepository
from qabel.store.inbox.seen import ReadDone
from qabel.store.inbox.strangers import StrangerLimits
from qabel.store.outbox.receipts import Receipt

FOREIGN_AT_ONCE = 8192
"""Hashes of other people's messages that are stored together: fewer would cost more each."""


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


@frozen
class Looked:
    """What was found in a batch, and how far a response was read with it."""

    found: Classified
    point: Point | None


@define(eq=False, kw_only=True)
class Intake:
    """Takes in the messages of all drops."""

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
    _plan: Callable[[], AcknowledgementPlan | None]
    """Returns how acknowledgements are delayed; None if there are to be none."""
    _known_kinds: Callable[[], frozenset[str] | None]
    """Returns the kinds of messages that modules own, if others are refused; else None."""
    _text: Callable[[OwnedDrop], str]
    """Returns what is stored of the progress of a drop."""
    _clock: IReactorTime
    _now: Callable[[], float]
    counts: Counts = field(factory=Counts, init=False)
    _rare_log: RareLog = field(init=False)

    _log = Logger()

    def __attrs_post_init__(self) -> None:
        self._rare_log = RareLog(self._log, self._clock.seconds)

    async def look(self, reading: DropReading, parts: list[Part]) -> Looked:
        """Open and classify the new ones of some messages; may run beside other batches."""
        point = last_point(parts)
        candidates = [part for part in parts if may_be_ours(part.body)]
        self.counts.passed_over += len(parts) - len(candidates)
        if not candidates:
            return Looked(Classified(), point)
        drop = reading.drop
        digests = await self._workers.run(_hash_all, candidates)
        new = await self._find_new(reading, digests)
        # A server may return the same message twice in one response.
        pairs = zip(digests, candidates, strict=True)
        fresh = {digest: part for digest, part in pairs if digest in new}
        self.counts.seen_before += len(candidates) - len(fresh)
        if not fresh:
            return Looked(Classified(), point)
        for part in fresh.values():
            reading.note_found(part)
        found = await self._workers.run(
            _open_and_classify,
            drop.opener,
            fresh,
            self._synced(),
            self._blocked(),
            self._now(),
            self._plan(),
            self._known_kinds(),
        )
        self._count(found)
        return Looked(found, point)

    async def keep(self, reading: DropReading, looked: Looked) -> None:
        """Store what was found; of other people's messages only many at once."""
        found = looked.found
        reading.foreign += found.foreign
        reading.refused += found.blocked
        place = reading.place
        is_further = reading.advance(looked.point)
        waiting = len(reading.foreign) + len(reading.refused)
        if not (found.messages or found.receipts or waiting >= FOREIGN_AT_ONCE):
            return
        reading.note_traffic()
        try:
            stored = [await self._store(reading, found, progress=is_further)]
        except Corrupt as error:
            reading.place, reading.damage = place, error
            stored = await self._store_some(reading, found)
        except BaseException:
            # The next response is to begin before what was not stored.
            reading.place = place
            raise
        for kept in stored:
            self.counts.received += len(kept.messages)
            self.counts.refused += kept.refused
            if kept.messages:
                reading.dates += found.dates
            self._on_kept(kept)

    async def finish(self, reading: DropReading, done: ReadDone | None, *, progress: bool) -> None:
        """Store the rest, and how far the drop was read; nothing if nothing changed."""
        if done is not None or progress or reading.foreign or reading.refused:
            await self._store(reading, Classified(), done=done, progress=progress)

    async def note_dates(self, reading: DropReading) -> None:
        """Note when the messages arrived that were stored."""
        if reading.dates:
            await self._on_dates(reading.dates)

    async def are_known(self, drop: OwnedDrop, digests: Sequence[bytes]) -> bool:
        """Return whether all messages with some hashes were seen before. Raises StoreError."""
        return not await self._repository.record_found(drop.drop, digests, now=self._now())

    async def _find_new(self, reading: DropReading, digests: Sequence[bytes]) -> set[bytes]:
        """Return which messages are new, of those of which that can be found out."""

        async def find(some: Sequence[bytes]) -> set[bytes]:
            return await self._repository.record_found(reading.drop.drop, some, now=self._now())

        try:
            return await find(digests)
        except Corrupt as error:
            reading.damage = error
            return set().union(*await in_halves(digests, find))

    async def _store_some(self, reading: DropReading, found: Classified) -> list[StoredBatch]:
        """Store as much of what was found as damaged pages of the database permit."""

        async def store(some: Sequence[NewMessage | Receipt]) -> StoredBatch:
            messages = [each for each in some if isinstance(each, NewMessage)]
            receipts = [each for each in some if isinstance(each, Receipt)]
            return await self._store(reading, Classified(messages, receipts), progress=False)

        items: list[NewMessage | Receipt] = [*found.messages, *found.receipts]
        return await in_halves(items, store) if items else []

    async def _store(
        self,
        reading: DropReading,
        found: Classified,
        *,
        done: ReadDone | None = None,
        progress: bool,
    ) -> StoredBatch:
        foreign, reading.foreign = reading.foreign, []
        refused, reading.refused = reading.refused, []
        return await self._repository.keep(
            reading.drop.drop,
            found.messages,
            foreign=foreign,
            refused=refused,
            received_receipts=found.receipts,
            limits=self._limits(),
            done=done,
            progress=self._text(reading.drop) if progress else None,
            now=self._now(),
        )

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
    plan: AcknowledgementPlan | None,
    known_kinds: frozenset[str] | None,
) -> Classified:
    """Open and classify messages; called in a worker."""
    opened = opener.open_all([part.body for part in fresh.values()])
    return classify(fresh, opened, synced, now, blocked=blocked, plan=plan, known_kinds=known_kinds)


def _hash_all(parts: Sequence[Part]) -> list[bytes]:
    return [hash_message(part.body) for part in parts]
