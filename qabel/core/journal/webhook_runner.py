"""Deliver new entries to one webhook, in order, with its cursor stored on disk."""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from attrs import define, evolve, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from qabel.core.backoff import backoff
from qabel.core.errors import Gone, StoreError
from qabel.core.journal.follower import Followers
from qabel.core.journal.journal import Entry, Journal
from qabel.core.journal.presets import CALLS
from qabel.jsontext import encode as encode_json
from qabel.net.errors import WebhookFailed
from qabel.store.webhooks import Webhook, WebhookRepository

FIRST_PAUSE = 1.0
"""Seconds before the second attempt, roughly; further pauses double."""

LONGEST_PAUSE = 3600.0
"""Seconds between two attempts at most."""

GIVE_UP_AFTER = 16
"""Attempts at one entry, over about half a day, before it is listed as undelivered."""

STORE_PAUSE = 5.0
"""Seconds before the database is tried again after it failed."""


PostJSON: TypeAlias = Callable[[str, bytes, Mapping[str, str]], Awaitable[int]]
"""Posts to a URL a body with headers; returns the HTTP status, or raises WebhookFailed."""


@define(eq=False, kw_only=True)
class WebhookRunner:
    """Delivers new entries to one webhook, at its own pace."""

    record: Webhook
    _repository: WebhookRepository
    _journal: Journal
    _post: PostJSON
    _clock: IReactorTime
    _now: Callable[[], float]
    _work: "Deferred[None] | None" = field(default=None, init=False)
    _attempted: float | None = field(default=None, init=False)
    """When the present attempt began, in seconds on the clock; None if there is none."""

    _log = Logger()

    @property
    def waiting(self) -> float | None:
        """The seconds that the present attempt has taken; None if there is none."""
        began = self._attempted
        return None if began is None else self._clock.seconds() - began

    def start(self) -> None:
        """Start delivering, unless started already."""
        if self._work is None:
            self._work = Deferred.fromCoroutine(self._run())
            self._work.addErrback(self._ended_badly)

    def stop(self) -> None:
        """Stop; an entry whose delivery is in progress is delivered again after the next start."""
        work, self._work = self._work, None
        if work is not None:
            work.cancel()

    def _ended_badly(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self._log.failure("A webhook stopped unexpectedly", failure)

    async def _run(self) -> None:
        while True:
            try:
                await self._follow()
            except StoreError:
                # The database's troubles are reported elsewhere.
                await deferLater(self._clock, STORE_PAUSE)
            except CancelledError:
                raise
            except Exception:  # noqa: BLE001 - a webhook is never given up
                self._log.failure("Delivery to a webhook failed unexpectedly")
                error = "Internal error; the daemon's log has details."
                failures = self.record.failures + 1
                self.record = evolve(self.record, failures=failures, last_error=error)
                await deferLater(self._clock, STORE_PAUSE)

    async def _follow(self) -> None:
        try:
            await self._deliver_all()
        except Gone:
            # It was behind for longer than events are kept; messages are still there.
            await self._note_gap()

    async def _deliver_all(self) -> None:
        cursor = self._journal.cursor(self.record.cursor)
        follower = Followers(self._journal).follow(cursor, kinds=frozenset(self.record.kinds))
        while True:
            entries = await follower.next()
            if self.record.preset is not None:
                # A push service learns that something is new, and not of each entry.
                entries = [each for each in entries if each.kind in self.record.kinds][-1:]
            for entry in entries:
                await self._deliver(entry)

    async def _note_gap(self) -> None:
        record, floor = self.record, self._journal.floor
        gap = [self._journal.cursor(record.cursor), self._journal.cursor(floor)]
        error = "Events were deleted before they could be delivered (they are kept for some days)."
        await self._repository.give_up(
            record.id, floor, "gap", encode_json({"gap": gap}), error, now=self._now()
        )
        self.record = evolve(record, cursor=floor)

    async def _deliver(self, entry: Entry) -> None:
        """Deliver one entry, with retries until it is accepted or given up."""
        failures = 0
        while (error := await self._attempt(entry)) is not None:
            failures += 1
            self.record = evolve(self.record, failures=failures, last_error=error)
            if failures >= GIVE_UP_AFTER:
                await self._give_up(entry, error)
                return
            await self._repository.failed(self.record.id, error)
            pause = backoff(failures - 1, base=FIRST_PAUSE, longest=LONGEST_PAUSE)
            await deferLater(self._clock, pause)
            if not await self._exists(entry):
                await self._skip(entry)
                return
        await self._delivered(entry)

    async def _exists(self, entry: Entry) -> bool:
        """Return whether an entry was not deleted meanwhile."""
        found = await self._journal.after(entry.seq - 1, 1)
        return bool(found) and found[0].seq == entry.seq

    async def _skip(self, entry: Entry) -> None:
        await self._repository.skip(self.record.id, entry.seq)
        self.record = evolve(self.record, cursor=entry.seq, failures=0, last_error=None)

    async def _delivered(self, entry: Entry) -> None:
        now = self._now()
        await self._repository.delivered(self.record.id, entry.seq, now=now)
        self.record = evolve(
            self.record,
            cursor=entry.seq,
            failures=0,
            last_error=None,
            last_success=int(now * 1000),
        )

    async def _give_up(self, entry: Entry, error: str) -> None:
        await self._repository.give_up(
            self.record.id, entry.seq, entry.kind, entry.data, error, now=self._now()
        )
        self.record = evolve(self.record, cursor=entry.seq)

    async def _attempt(self, entry: Entry) -> str | None:
        """Try to deliver an entry; return the error, or None."""
        body, headers = self._call_for(entry)
        self._attempted = self._clock.seconds()
        try:
            status = await self._post(self.record.url, body, headers)
        except WebhookFailed as error:
            return error.detail
        finally:
            self._attempted = None
        return None if 200 <= status < 300 else f"The receiver responded with status {status}."

    def _call_for(self, entry: Entry) -> tuple[bytes, Mapping[str, str]]:
        """Return the body and the headers of the request for an entry."""
        if self.record.preset is not None:
            call = CALLS[self.record.preset]
            return call.body, call.headers
        return entry.data, signed(self.record.secret, entry, str(int(self._now())))


def signed(secret: bytes, entry: Entry, stamp: str) -> dict[str, str]:
    """Return the headers of the request that delivers an entry.

    The signature is HMAC-SHA256, keyed with the secret, over the time in seconds since the epoch, a
    dot, and the body: a receiver that checks both knows that the body is ours, and recent.
    """
    text = stamp.encode() + b"." + entry.data
    return {
        "Content-Type": "application/json",
        "X-Qabel-Event": entry.kind,
        "X-Qabel-Latest": entry.cursor,
        "X-Qabel-Time": stamp,
        "X-Qabel-Signature": hmac.digest(secret, text, "sha256").hex(),
    }
