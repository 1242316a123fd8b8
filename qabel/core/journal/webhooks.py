"""Webhooks: readers of the journal to which the daemon posts new entries.

Each gets them in order, at its own pace; a slow or unreachable one delays neither receiving nor
other webhooks. Bodies are signed, so that the receiver can check where they come from.
"""

import secrets
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from attrs import define, field, frozen
from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime

from qabel.contract.types import CursorText, Id, JSONObject, Milliseconds, View
from qabel.core.errors import Invalid, NotFound
from qabel.core.journal.journal import Journal
from qabel.core.journal.kinds import EVENT_KIND, MOST_KINDS, Kind
from qabel.core.journal.presets import KINDS as PRESET_KINDS
from qabel.core.journal.presets import PRESETS
from qabel.core.journal.webhook_runner import PostJSON, WebhookRunner
from qabel.deferreds import shielded
from qabel.forms.compound import Key, ListOf, Object, OrNull
from qabel.forms.errors import FieldError, invalid
from qabel.forms.form import Schema
from qabel.forms.plain import Choice, Text
from qabel.net.webhook_client import MAX_URL, is_webhook_url
from qabel.store.webhooks import Webhook, WebhookRepository

MAX_WEBHOOKS = 100
SECRET_BYTES = 32
MIN_SECRET, MAX_SECRET = 16, 256


class WebhookView(View):
    """A webhook; ``place`` is the cursor of the last entry that was delivered to it."""

    id: Id
    url: str
    kinds: list[Kind]
    place: CursorText
    created: Milliseconds
    failures: int
    last_error: str | None
    last_success: Milliseconds | None
    preset: str | None
    """The push service whose interface the receiver has."""


class NewWebhookView(WebhookView):
    """A new webhook, with the secret of its signatures."""

    secret: str


class UndeliveredView(View):
    """An entry that could not be delivered to a webhook; ``place`` is its cursor."""

    place: CursorText
    kind: str
    error: str
    given_up: Milliseconds
    body: JSONObject


class WebhookURLForm(Text):
    """The URL of a webhook's receiver."""

    def __init__(self) -> None:
        super().__init__(MAX_URL)

    def read(self, value: object) -> str:
        """Check a URL."""
        text = super().read(value)
        if not is_webhook_url(text):
            raise invalid(f"must be an http or https URL of at most {MAX_URL} ASCII characters")
        return text

    def schema(self) -> Schema:
        """Return the JSON schema."""
        return {**super().schema(), "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://[!-~]+$"}


WEBHOOK_INPUT = Object(
    {
        "url": Key(
            WebhookURLForm(),
            description="Where to post entries: this machine, or what --allow-webhook allows.",
            examples=["http://127.0.0.1:8000/hook"],
        ),
        "kinds": Key(
            OrNull(ListOf(EVENT_KIND, MOST_KINDS, shortest=1)),
            None,
            description="The kinds of entries to deliver: `drop` if left out, or with a preset "
            "`notify.new`.",
            examples=[["drop"]],
        ),
        "preset": Key(
            OrNull(Choice(PRESETS)),
            None,
            description="The push service whose interface the receiver has: the call says that "
            "something is new, and nothing else. The URL is that of the topic or endpoint.",
        ),
        "secret": Key(
            OrNull(Text(MAX_SECRET, shortest=MIN_SECRET)),
            None,
            description="The key of the signatures; generated if left out.",
        ),
        "since": Key(
            OrNull(Text()),
            None,
            description="Deliver entries after this cursor; only new ones if left out.",
        ),
    }
)
"""The body of a request to add a webhook."""


@frozen
class WebhookState:
    """How delivery to a webhook is going."""

    id: int
    url: str = field(repr=False)
    failures: int
    """In a row."""
    last_error: str | None
    waiting: float | None
    """Seconds for which its receiver has not responded to the present attempt."""


@define(eq=False, kw_only=True)
class Webhooks(Service):
    """All webhooks, and the delivery of new entries to them."""

    _repository: WebhookRepository
    _journal: Journal
    _post: PostJSON
    _may_call: Callable[[str], bool]
    """Returns whether the host of a URL is this machine, or allowed."""
    _clock: IReactorTime
    _now: Callable[[], float]
    _runners: dict[int, WebhookRunner] = field(factory=dict, init=False)

    name = "webhooks"

    async def load(self) -> None:
        """Load the webhooks from the database. Raises StoreError."""
        self._runners = {each.id: self._runner(each) for each in await self._repository.all()}

    def startService(self) -> None:
        """Start delivering."""
        super().startService()
        for runner in self._runners.values():
            runner.start()

    def stopService(self) -> None:
        """Stop; entries whose delivery is in progress are delivered again after the next start."""
        super().stopService()
        for runner in self._runners.values():
            runner.stop()

    def all(self) -> list[WebhookView]:
        """Return all webhooks, without their secrets."""
        return [WebhookView(**self._members(each.record)) for each in self._runners.values()]

    def states(self) -> list[WebhookState]:
        """Return how delivery to each webhook is going."""
        return [
            WebhookState(
                each.record.id,
                each.record.url,
                each.record.failures,
                each.record.last_error,
                each.waiting,
            )
            for each in self._runners.values()
        ]

    def get(self, webhook_id: int) -> WebhookView:
        """Return one webhook, without its secret. Raises NotFound."""
        return WebhookView(**self._members(self._find(webhook_id).record))

    async def add(
        self,
        url: str,
        kinds: Sequence[str] | None = None,
        secret: str | None = None,
        since: str | None = None,
        preset: str | None = None,
    ) -> NewWebhookView:
        """Add a webhook. Its secret is in the result, and nowhere else.

        Args:
            url: where to post entries.
            kinds: the kinds of entries to deliver; None for messages, or what a preset is for.
            secret: the key of the signatures; None to generate one.
            since: the cursor after which to begin; None for the newest.
            preset: one of ``PRESETS``, for calls of a push service without any content.

        Raises:
            Invalid: the URL is not allowed, or there are too many webhooks.
            Gone: the cursor was not given here.
            StoreError: the webhook could not be stored.

        """
        if not self._may_call(url):
            why = "is not on this machine; allow its origin with --allow-webhook"
            raise Invalid("The webhook's URL is not allowed.", [FieldError("url", why)])
        seq = self._journal.last_seq if since is None else self._journal.parse(since)
        if len(self._runners) >= MAX_WEBHOOKS:
            raise Invalid(f"Too many webhooks: the limit is {MAX_WEBHOOKS}.")
        chosen = secrets.token_urlsafe(SECRET_BYTES) if secret is None else secret
        if kinds is None:
            kinds = ("drop",) if preset is None else PRESET_KINDS
        runner = await shielded(self._keep(url, chosen.encode(), tuple(kinds), seq, preset))
        return NewWebhookView(**self._members(runner.record), secret=chosen)

    async def delete(self, webhook_id: int) -> None:
        """Delete a webhook, with its list of undelivered entries. Raises NotFound."""
        await shielded(self._delete(self._find(webhook_id)))

    async def undelivered(self, webhook_id: int) -> list[UndeliveredView]:
        """Return the undelivered entries of a webhook, oldest first. Raises NotFound."""
        self._find(webhook_id)
        return [
            UndeliveredView(
                self._journal.cursor(each.seq),
                each.kind,
                each.error,
                each.given_up,
                msgspec.Raw(each.body),
            )
            for each in await self._repository.undelivered(webhook_id)
        ]

    async def forget_undelivered(self, webhook_id: int, upto: str) -> None:
        """Remove undelivered entries of a webhook, up to and including a cursor.

        Raises NotFound, or Gone if the cursor was not given here.
        """
        self._find(webhook_id)
        await self._repository.forget_undelivered(webhook_id, self._journal.parse(upto))

    async def _keep(
        self, url: str, secret: bytes, kinds: tuple[str, ...], seq: int, preset: str | None
    ) -> WebhookRunner:
        record = await self._repository.add(url, secret, kinds, seq, now=self._now(), preset=preset)
        runner = self._runners[record.id] = self._runner(record)
        if self.running:
            runner.start()
        return runner

    async def _delete(self, runner: WebhookRunner) -> None:
        runner.stop()
        await self._repository.delete(runner.record.id)
        self._runners.pop(runner.record.id, None)

    def _find(self, webhook_id: int) -> WebhookRunner:
        runner = self._runners.get(webhook_id)
        if runner is None:
            raise NotFound(f"No webhook {webhook_id}.")
        return runner

    def _runner(self, record: Webhook) -> WebhookRunner:
        return WebhookRunner(
            record=record,
            repository=self._repository,
            journal=self._journal,
            post=self._post,
            clock=self._clock,
            now=self._now,
        )

    def _members(self, record: Webhook) -> dict[str, Any]:
        return {
            "id": record.id,
            "url": record.url,
            "kinds": list(record.kinds),
            "place": self._journal.cursor(record.cursor),
            "created": record.created,
            "failures": record.failures,
            "last_error": record.last_error,
            "last_success": record.last_success,
            "preset": record.preset,
        }
