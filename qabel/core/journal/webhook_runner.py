"""One webhook under way: brought what is new, in order, its cursor kept on the disk."""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

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
from qabel.jsontext import encode as encode_json
from qabel.net.errors import WebhookFailed
from qabel.store.webhooks import Webhook, WebhookRepository

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 3600.0

GIVE_UP_AFTER = 16
"""Attempts at one entry, over about half a day; then it is listed as undelivered."""

STORE_PAUSE = 5.0


class PostJSON(Protocol):
    """Posts a body to a URL: ``qabel.net.webhook_client``."""

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> Awaitable[int]:
        """Return the status of the answer. Raises WebhookFailed."""


@define(eq=False, kw_only=True)
class WebhookRunner:
    """Brings one webhook what is new, at its own pace."""

    record: Webhook
    _repository: WebhookRepository
    _journal: Journal
    _post: PostJSON
    _clock: IReactorTime
    _now: Callable[[], float]
    _work: "Deferred[None] | None" = field(default=None, init=False)

    _log = Logger()

    def start(self) -> None:
        """Begin, unless it is under way."""
        if self._work is None:
            self._work = Deferred.fromCoroutine(self._run())
            self._work.addErrback(self._ended_badly)

    def stop(self) -> None:
        """Stop; what was under way is brought again after the next start."""
        work, self._work = self._work, None
        if work is not None:
            work.cancel()

    def _ended_badly(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self._log.failure("a webhook ended in an unexpected way", failure)

    async def _run(self) -> None:
        while True:
            try:
                await self._follow()
            except StoreError as error:
                self._log.warn("A webhook waits for the store: {error}", error=str(error))
                await deferLater(self._clock, STORE_PAUSE)
            except Gone:
                # Away for longer than events are kept: messages are all there still.
                await self._note_gap()

    async def _follow(self) -> None:
        cursor = self._journal.cursor(self.record.cursor)
        follower = Followers(self._journal).follow(cursor, kinds=frozenset(self.record.kinds))
        while True:
            for entry in await follower.next():
                await self._bring(entry)

    async def _note_gap(self) -> None:
        record, floor = self.record, self._journal.floor
        gap = [self._journal.cursor(record.cursor), self._journal.cursor(floor)]
        error = "Events were gone by retention before they could be delivered."
        await self._repository.give_up(
            record.id, floor, "gap", encode_json({"gap": gap}), error, now=self._now()
        )
        self.record = evolve(record, cursor=floor)

    async def _bring(self, entry: Entry) -> None:
        """Bring one entry, again and again until it is taken or given up."""
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
        await self._delivered(entry)

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
        """Bring an entry once; return what went wrong."""
        stamp = str(int(self._now()))
        headers = signed(self.record.secret, entry, stamp)
        try:
            status = await self._post(self.record.url, entry.data, headers)
        except WebhookFailed as error:
            return error.detail
        return None if 200 <= status < 300 else f"The receiver answered with status {status}."


def signed(secret: bytes, entry: Entry, stamp: str) -> dict[str, str]:
    """Return the headers that go with an entry.

    The signature is HMAC-SHA256, keyed with the secret, over the time in seconds, a dot, and the
    body: a receiver that checks both knows that the body is ours, and not an old one.
    """
    text = stamp.encode() + b"." + entry.data
    return {
        "Content-Type": "application/json",
        "X-Qabel-Event": entry.kind,
        "X-Qabel-Latest": entry.cursor,
        "X-Qabel-Time": stamp,
        "X-Qabel-Signature": hmac.digest(secret, text, "sha256").hex(),
    }
