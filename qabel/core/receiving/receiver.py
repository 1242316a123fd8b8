"""Read a drop: what is new after its cursor, and from time to time everything."""

from collections.abc import Awaitable, Callable, Collection
from functools import partial
from typing import Protocol

from attrs import define, field
from twisted.internet.defer import DeferredLock
from twisted.internet.interfaces import IReactorTime

from qabel.core.errors import StoreError
from qabel.core.receiving.drop_progress import Stretch
from qabel.core.receiving.drop_reading import DropReading
from qabel.core.receiving.full_readings import Cause, OwnedDrop
from qabel.core.receiving.intake import Counts, Intake, Looked
from qabel.core.receiving.owned_drops import OwnedDrops
from qabel.core.receiving.pipeline import Batches
from qabel.core.receiving.poll_errors import NotStored, is_away, read_failed
from qabel.drop.multipart import Part
from qabel.drop.url import DropURL
from qabel.net.drop_client import FetchResult
from qabel.net.drop_cursor import went_back
from qabel.net.errors import DropServerError, InvalidResponse, ResponseTooLarge
from qabel.net.exchange_limits import Allowance
from qabel.store.inbox.seen import ReadDone

NEWS_EVERY = 5.0
"""Seconds of a full reading after which it is looked what is new meanwhile."""

TURN = 60.0
"""Seconds of a full reading after which other drops have their turn, if it can be gone on with."""


class Fetcher(Protocol):
    """Fetches from drop servers: ``qabel.net.drop_client.DropClient``."""

    def fetch(
        self,
        url: DropURL,
        since: str | None,
        on_parts: Callable[[list[Part]], Awaitable[None]],
        allowance: Allowance | None = None,
    ) -> Awaitable[FetchResult]:
        """Pass the parts of the response to ``on_parts`` as they arrive. Raises DropServerError."""


class _TurnEnded(DropServerError):
    """A full reading has taken long enough; it is gone on with in the next round."""


@define(eq=False)
class Receiver:
    """Reads drops. If a read is interrupted, the next one repeats it and skips what is stored."""

    _fetcher: Fetcher
    _drops: OwnedDrops
    _intake: Intake
    _clock: IReactorTime = field(kw_only=True)
    _locks: dict[DropURL, DeferredLock] = field(factory=dict, init=False)

    @property
    def counts(self) -> Counts:
        """How many messages were found in drops since the start."""
        return self._intake.counts

    async def read(self, url: DropURL, announced: Collection[bytes] = ()) -> None:
        """Fetch and store the new messages of a drop. Raises ReadFailed or NotStored.

        Args:
            url: the drop.
            announced: hashes of messages that the server says are in it.

        """
        lock = self._locks.setdefault(url, DeferredLock())
        await lock.acquire()
        try:
            await self._read(url, announced)
        except DropServerError as error:
            raise read_failed(error) from None
        except StoreError as error:
            raise NotStored(str(error)) from None
        finally:
            lock.release()
            if not lock.locked:
                self._locks.pop(url, None)

    async def _read(self, url: DropURL, announced: Collection[bytes]) -> None:
        drop = await self._drops.find(url)
        if drop is None:
            return
        failed: DropServerError | None = None
        has_cursor = drop.cursor is not None
        if has_cursor:
            try:
                await self._read_news(url, drop)
            except DropServerError as error:
                failed = error
            # In a shared drop most are for others: they come when it is their turn.
            is_put_off = drop.is_shared and drop.is_news_put_off
            if announced and failed is None and not is_put_off:
                await self._expect(drop, announced)
        is_due = not has_cursor or self._clock.seconds() >= drop.full_due
        if is_due and not is_away(failed) and await self._read_everything(url, drop, has_cursor):
            return
        if failed is not None:
            raise failed

    async def _expect(self, drop: OwnedDrop, announced: Collection[bytes]) -> None:
        """Have the drop read in full if the cursor did not show what is said to be there."""
        if not await self._intake.are_known(drop, list(announced)):
            self._drops.schedule.ask(drop, Cause.PUSH)

    async def _read_news(self, url: DropURL, drop: OwnedDrop) -> None:
        """Read what is new, or a part of it; nothing if the bandwidth is used up."""
        reading = self._drops.reading(drop, full=False)
        drop.is_news_put_off = reading is None or self._clock.seconds() < drop.news_from
        if reading is None or drop.is_news_put_off:
            return
        fetched = await self._run(url, reading)
        if fetched is not None:
            await self._news_ended(reading, fetched)

    async def _read_everything(self, url: DropURL, drop: OwnedDrop, has_cursor: bool) -> bool:
        """Read the whole drop, or a further part; return whether that is enough for this round.

        If what is new was read before, a failure is only noted.
        """
        reading = self._drops.reading(drop, full=True)
        if reading is None:
            return not has_cursor
        if self._drops.schedule.begin(drop):
            await self._intake.finish(reading, None, progress=True)
        started = self._clock.seconds()
        try:
            fetched = await self._run(url, reading)
            if fetched is not None:
                await self._everything_ended(reading, fetched)
        except DropServerError as error:
            if not has_cursor and reading.order.first is None:
                raise  # The server as a whole fails, which the poller says.
            if not reading.gained:
                self._drops.schedule.failed(drop, error.detail)
            drop.progress.failed = error.detail
            await self._intake.finish(reading, None, progress=True)
            if not has_cursor and not reading.gained:
                raise
            return reading.gained
        finally:
            self._drops.ended_full_read(drop, self._clock.seconds() - started)
        return True

    async def _run(self, url: DropURL, reading: DropReading) -> FetchResult | None:
        """Fetch once; return None if the response is to be gone on with."""
        batches: Batches[Looked] = Batches(
            partial(self._intake.look, reading), partial(self._intake.keep, reading)
        )
        try:
            fetched = await self._fetch(url, reading, batches)
        except DropServerError as error:
            too_large = isinstance(error, ResponseTooLarge)
            gained = reading.broke_off(too_large=too_large)
            reading.note_traffic()
            await self._intake.finish(reading, None, progress=True)
            if gained and (too_large or isinstance(error, _TurnEnded)):
                return None
            raise
        finally:
            batches.cancel()
            reading.note_traffic()
            # What arrived completely is stored, even if the rest failed.
            await self._intake.note_dates(reading)
        if reading.damage is not None:
            raise reading.damage
        return fetched

    async def _fetch(
        self, url: DropURL, reading: DropReading, batches: Batches[Looked]
    ) -> FetchResult:
        started = last_news = self._clock.seconds()

        async def take(parts: list[Part]) -> None:
            nonlocal last_news
            reading.order.look(parts)
            await batches.take(parts)
            now = self._clock.seconds()
            if not reading.full or now - last_news < NEWS_EVERY:
                return
            last_news = now
            await self._read_meanwhile(url, reading.drop)
            if now - started >= TURN and reading.advance(None):
                raise _TurnEnded("The reading goes on in the next round.")

        try:
            return await self._fetcher.fetch(url, reading.since, take, reading.allowance)
        finally:
            await batches.finish()

    async def _read_meanwhile(self, url: DropURL, drop: OwnedDrop) -> None:
        """Read what is new during a full reading; the next round says what fails."""
        if drop.cursor is None:
            return
        try:
            await self._read_news(url, drop)
        except DropServerError:
            return

    async def _news_ended(self, reading: DropReading, fetched: FetchResult) -> None:
        """Store how far the drop was read; the disk is not touched if nothing changed."""
        drop, progress = reading.drop, reading.drop.progress
        if reading.was_resumed:
            await self._check_order(reading)
        if self._went_back(reading, fetched):
            self._drops.schedule.went_back(drop)
        if reading.stretch.has_gap:
            self._drops.schedule.ask(drop, Cause.GAP)
        latest = fetched.latest if fetched.parts else None
        changed = latest is not None and latest != drop.cursor
        changed = changed or progress.news != Stretch() or drop.traffic.is_unsaved
        changed = reading.note_whole() or changed
        if drop.is_shared:
            pause = drop.traffic.seconds_of(reading.allowance.used)
            drop.news_from = self._clock.seconds() + pause
        progress.news = Stretch()
        drop.cursor = latest or drop.cursor
        done = ReadDone(latest, full=False) if changed else None
        await self._intake.finish(reading, done, progress=changed)

    async def _everything_ended(self, reading: DropReading, fetched: FetchResult) -> None:
        drop, schedule = reading.drop, self._drops.schedule
        if reading.was_resumed:
            await self._check_order(reading)
        stretch, latest = reading.stretch, fetched.latest if fetched.parts else None
        is_due = self._clock.seconds() >= drop.full_due
        is_empty = fetched.status == "nothing" and not reading.was_resumed
        had_cursor, complete = drop.cursor, reading.is_current and not stretch.has_gap
        back = self._went_back(reading, fetched)
        drop.cursor = None if is_empty else latest or drop.cursor
        if stretch.has_gap:
            drop.progress.full = Stretch()
            schedule.failed(drop, "More messages bear the same second than could be read at once.")
        elif complete:
            reading.note_whole()
            schedule.succeeded(drop, found=stretch.found > 0, since=had_cursor)
        changed = is_due or drop.cursor != had_cursor or reading.was_resumed
        changed = changed or back or drop.traffic.is_unsaved
        if back:
            schedule.went_back(drop)
        done = ReadDone(latest, complete, is_empty) if changed else None
        await self._intake.finish(reading, done, progress=changed)

    async def _check_order(self, reading: DropReading) -> None:
        """Check that nothing was skipped by going on by date. Raises InvalidResponse."""
        if reading.order.goes_on and reading.order.is_sorted:
            return
        stretch = reading.stretch
        stretch.point, stretch.by_date = None, False
        await self._intake.finish(reading, None, progress=True)
        raise InvalidResponse("The drop server does not sort messages by date, or ignores dates.")

    def _went_back(self, reading: DropReading, fetched: FetchResult) -> bool:
        """Return whether the server has less than before, and note what it has."""
        progress = reading.drop.progress
        before, now = progress.modified, fetched.modified
        progress.modified = before if now is None else now
        is_older = before is not None and now is not None and now < before
        return is_older or went_back(fetched.latest, reading.drop.cursor)
