"""Webhooks: readers of the log to which the daemon brings what is new.

Each goes at its own pace, in order, and keeps its place on the disk; a slow or dead one delays
neither receiving nor another. A body is signed, so that its receiver knows where it comes from.
"""

import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from attrs import define, evolve
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from qabel.core.backoff import backoff
from qabel.core.errors import Gone, Invalid, NotFound, StoreError
from qabel.core.journal.journal import Entry, Log
from qabel.deferreds import shielded
from qabel.jsontext import encode as encode_json
from qabel.jsontext import parse as parse_json
from qabel.net.errors import WebhookFailed
from qabel.net.webhook_client import MAX_URL, is_webhook_url
from qabel.settings.document import Fault
from qabel.store.webhooks import Webhook, WebhookRepository

KINDS = ("drop", "outbox", "settings", "synced")

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 3600.0

GIVE_UP_AFTER = 16
"""Attempts at one entry, over about half a day; then it is listed as undelivered."""

MAX_WEBHOOKS = 100
SECRET_BYTES = 32
MIN_SECRET = 16
STORE_PAUSE = 5.0


class HookPost(Protocol):
    """Posts a body to a URL: ``qabel.net.webhook_client``."""

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> Awaitable[int]:
        """Give the status of the answer. Raises WebhookFailed."""


@define(eq=False)
class _Runner:
    """One webhook under way."""

    record: Webhook
    work: "Deferred[None] | None" = None


class Webhooks(Service):
    """All webhooks, and bringing them what is new."""

    name = "webhooks"
    _logger = Logger()

    def __init__(
        self,
        shelf: WebhookRepository,
        log: Log,
        post: HookPost,
        may_call: Callable[[str], bool],
        *,
        clock: IReactorTime,
        now: Callable[[], float],
    ) -> None:
        """Prepare.

        Args:
            shelf: keeps the webhooks, their places, and what could not be delivered.
            log: what they are told of.
            post: brings it.
            may_call: tells whether a URL's host is this machine, or allowed.
            clock: for pauses.
            now: seconds since the epoch.

        """
        self._shelf = shelf
        self._log = log
        self._post = post
        self._may_call = may_call
        self._clock = clock
        self._now = now
        self._runners: dict[int, _Runner] = {}

    async def load(self) -> None:
        """Read the webhooks from the disk."""
        self._runners = {each.id: _Runner(each) for each in await self._shelf.all()}

    def startService(self) -> None:
        """Bring what is new from now on."""
        super().startService()
        for runner in self._runners.values():
            self._begin(runner)

    def stopService(self) -> None:
        """Stop; what was under way is brought again after the next start."""
        super().stopService()
        for runner in self._runners.values():
            _end(runner)

    def list(self) -> list[dict[str, Any]]:
        """Give all webhooks, without their secrets."""
        return [_as_json(each.record, self._log) for each in self._runners.values()]

    def get(self, webhook_id: int) -> dict[str, Any]:
        """Give one. Raises NotFound."""
        return _as_json(self._runner(webhook_id).record, self._log)

    async def add(self, given: Mapping[str, object]) -> dict[str, Any]:
        """Add one, told of what comes from now on, or after the place ``since``.

        Its secret is in the result, and nowhere else. Raises Invalid, or Gone for the place.
        """
        url, kinds, secret = self._checked(given)
        since = given.get("since")
        if since is not None and not isinstance(since, str):
            raise Invalid("The webhook is not valid.", [Fault("since", "must be a place")])
        place = self._log.last_seq if since is None else self._log.parse(since)
        if len(self._runners) >= MAX_WEBHOOKS:
            raise Invalid(f"There are {MAX_WEBHOOKS} webhooks already, and may be no more.")
        runner = await shielded(self._keep(url, secret.encode(), kinds, place))
        return {**_as_json(runner.record, self._log), "secret": secret}

    async def delete(self, webhook_id: int) -> None:
        """Forget one, with what could not be delivered to it. Raises NotFound."""
        runner = self._runner(webhook_id)
        await shielded(self._forget(runner))

    async def undelivered(self, webhook_id: int) -> bytes:
        """Give what one could not be told, as a JSON list. Raises NotFound."""
        self._runner(webhook_id)
        entries = await self._shelf.undelivered(webhook_id)
        return encode_json(
            [
                {
                    "place": self._log.place(each.seq),
                    "kind": each.kind,
                    "error": each.error,
                    "given_up": each.given_up,
                    "body": parse_json(each.body, depth=200),
                }
                for each in entries
            ]
        )

    async def forget_undelivered(self, webhook_id: int, upto: str) -> None:
        """Take what one could not be told off the list, up to a place and with it.

        Raises NotFound, or Gone for the place.
        """
        self._runner(webhook_id)
        await self._shelf.forget_undelivered(webhook_id, self._log.parse(upto))

    async def _keep(self, url: str, secret: bytes, kinds: tuple[str, ...], place: int) -> _Runner:
        record = await self._shelf.add(url, secret, kinds, place, now=self._now())
        runner = self._runners[record.id] = _Runner(record)
        self._begin(runner)
        return runner

    async def _forget(self, runner: _Runner) -> None:
        _end(runner)
        await self._shelf.delete(runner.record.id)
        self._runners.pop(runner.record.id, None)

    def _runner(self, webhook_id: int) -> _Runner:
        runner = self._runners.get(webhook_id)
        if runner is None:
            raise NotFound(f"There is no webhook {webhook_id}.")
        return runner

    def _checked(self, given: Mapping[str, object]) -> tuple[str, tuple[str, ...], str]:
        faults = [
            Fault(str(key), "is not known; the keys are url, kinds, secret and since")
            for key in given
            if key not in {"url", "kinds", "secret", "since"}
        ]
        url = given.get("url")
        if not isinstance(url, str) or not is_webhook_url(url):
            faults.append(Fault("url", f"must be http or https, in {MAX_URL} ASCII characters"))
        elif not self._may_call(url):
            why = "is not on this machine; allow its origin with --allow-webhook"
            faults.append(Fault("url", why))
        kinds = given.get("kinds", ["drop"])
        if not isinstance(kinds, list) or not kinds or not all(each in KINDS for each in kinds):
            faults.append(Fault("kinds", f"must be a list with at least one of {', '.join(KINDS)}"))
        secret = given.get("secret", secrets.token_urlsafe(SECRET_BYTES))
        if not isinstance(secret, str) or not MIN_SECRET <= len(secret) <= 256:
            faults.append(Fault("secret", f"must be a text of {MIN_SECRET} to 256 characters"))
        if faults or not isinstance(kinds, list):
            raise Invalid("The webhook is not valid.", faults)
        return str(url), tuple(kinds), str(secret)

    # Bringing

    def _begin(self, runner: _Runner) -> None:
        if self.running and runner.work is None:
            runner.work = Deferred.fromCoroutine(self._run(runner))
            runner.work.addErrback(self._ended_badly)

    def _ended_badly(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self._logger.failure("a webhook ended in an unexpected way", failure)

    async def _run(self, runner: _Runner) -> None:
        while True:
            try:
                await self._follow(runner)
            except StoreError as error:
                self._logger.warn("A webhook waits for the store: {error}", error=str(error))
                await self._pause(STORE_PAUSE)
            except Gone:
                # Away for longer than events are kept: messages are all there still.
                await self._note_gap(runner)

    async def _follow(self, runner: _Runner) -> None:
        place = self._log.place(runner.record.cursor)
        follower = self._log.follow(place, kinds=frozenset(runner.record.kinds))
        while True:
            for entry in await follower.next():
                await self._bring(runner, entry)

    async def _note_gap(self, runner: _Runner) -> None:
        record, floor = runner.record, self._log.floor
        text = encode_json({"gap": [self._log.place(record.cursor), self._log.place(floor)]})
        error = "Events were gone by retention before they could be delivered."
        await self._shelf.give_up(record.id, floor, "gap", text, error, now=self._now())
        runner.record = evolve(record, cursor=floor)

    async def _bring(self, runner: _Runner, entry: Entry) -> None:
        """Bring one entry, again and again until it is taken or given up."""
        failures = 0
        while True:
            error = await self._attempt(runner.record, entry)
            if error is None:
                await self._shelf.delivered(runner.record.id, entry.seq, now=self._now())
                runner.record = evolve(
                    runner.record,
                    cursor=entry.seq,
                    failures=0,
                    last_error=None,
                    last_success=int(self._now() * 1000),
                )
                return
            failures += 1
            runner.record = evolve(runner.record, failures=failures, last_error=error)
            if failures >= GIVE_UP_AFTER:
                break
            pause = backoff(failures - 1, base=FIRST_PAUSE, longest=LONGEST_PAUSE)
            await self._shelf.failed(runner.record.id, error)
            await self._pause(pause)
        await self._shelf.give_up(
            runner.record.id, entry.seq, entry.kind, entry.data, error, now=self._now()
        )
        runner.record = evolve(runner.record, cursor=entry.seq)

    async def _attempt(self, record: Webhook, entry: Entry) -> str | None:
        """Bring an entry once; gives what went wrong."""
        stamp = str(int(self._now()))
        try:
            status = await self._post(record.url, entry.data, signed(record.secret, entry, stamp))
        except WebhookFailed as error:
            return error.detail
        return None if 200 <= status < 300 else f"The receiver answered {status}."

    def _pause(self, seconds: float) -> "Deferred[None]":
        return deferLater(self._clock, seconds)


def signed(secret: bytes, entry: Entry, stamp: str) -> dict[str, str]:
    """Make the headers that go with an entry.

    The signature is HMAC-SHA256, keyed with the secret, over the time in seconds, a dot, and the
    body: a receiver that checks both knows that the body is ours, and not an old one.
    """
    text = stamp.encode() + b"." + entry.data
    return {
        "Content-Type": "application/json",
        "X-Qabel-Event": entry.kind,
        "X-Qabel-Latest": entry.place,
        "X-Qabel-Time": stamp,
        "X-Qabel-Signature": hmac.digest(secret, text, "sha256").hex(),
    }


def _end(runner: _Runner) -> None:
    work, runner.work = runner.work, None
    if work is not None:
        work.cancel()


def _as_json(record: Webhook, log: Log) -> dict[str, Any]:
    return {
        "id": record.id,
        "url": record.url,
        "kinds": list(record.kinds),
        "place": log.place(record.cursor),
        "created": record.created,
        "failures": record.failures,
        "last_error": record.last_error,
        "last_success": record.last_success,
    }
