"""Webhooks: readers of the journal to which the daemon brings what is new.

Each goes at its own pace, in order; a slow or dead one delays neither receiving nor another. A body
is signed, so that its receiver knows where it comes from.
"""

import secrets
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from attrs import define, field
from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime

from qabel.contract.types import CursorText, Id, Milliseconds, View
from qabel.core.errors import Invalid, NotFound
from qabel.core.journal.journal import Journal
from qabel.core.journal.kinds import KINDS, KindName
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
    """A webhook; ``place`` is the cursor up to which it was told."""

    id: Id
    url: str
    kinds: list[KindName]
    place: CursorText
    created: Milliseconds
    failures: int
    last_error: str | None
    last_success: Milliseconds | None


class NewWebhookView(WebhookView):
    """A webhook that was just made, with the secret of its signatures."""

    secret: str


class UndeliveredView(View):
    """An entry that a webhook could not be told of; ``place`` is its cursor."""

    place: CursorText
    kind: str
    error: str
    given_up: Milliseconds
    body: msgspec.Raw


class WebhookURLForm(Text):
    """The URL of a receiver."""

    def __init__(self) -> None:
        super().__init__(MAX_URL)

    def read(self, value: object) -> str:
        """Check it."""
        text = super().read(value)
        if not is_webhook_url(text):
            raise invalid(f"must be an http or https URL of at most {MAX_URL} ASCII characters")
        return text

    def schema(self) -> Schema:
        """Describe it."""
        return {**super().schema(), "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://[!-~]+$"}


WEBHOOK_INPUT = Object(
    {
        "url": Key(
            WebhookURLForm(),
            description="Where to bring it: loopback, unless others are allowed.",
            examples=["http://127.0.0.1:8000/hook"],
        ),
        "kinds": Key(
            ListOf(Choice(KINDS), len(KINDS), shortest=1), ("drop",), description="What to tell of."
        ),
        "secret": Key(
            OrNull(Text(MAX_SECRET, shortest=MIN_SECRET)),
            None,
            description="The key of the signatures; made if it is not given.",
        ),
        "since": Key(
            OrNull(Text()),
            None,
            description="The cursor after which to begin; from now on, if not given.",
        ),
    }
)
"""What a webhook is made of."""


@define(eq=False, kw_only=True)
class Webhooks(Service):
    """All webhooks, and bringing them what is new."""

    _repository: WebhookRepository
    _journal: Journal
    _post: PostJSON
    _may_call: Callable[[str], bool]
    """Returns whether a URL's host is this machine, or allowed."""
    _clock: IReactorTime
    _now: Callable[[], float]
    _runners: dict[int, WebhookRunner] = field(factory=dict, init=False)

    name = "webhooks"

    async def load(self) -> None:
        """Load the webhooks from the disk."""
        self._runners = {each.id: self._runner(each) for each in await self._repository.all()}

    def startService(self) -> None:
        """Bring what is new from now on."""
        super().startService()
        for runner in self._runners.values():
            runner.start()

    def stopService(self) -> None:
        """Stop; what was under way is brought again after the next start."""
        super().stopService()
        for runner in self._runners.values():
            runner.stop()

    def all(self) -> list[WebhookView]:
        """Return all webhooks, without their secrets."""
        return [WebhookView(**self._members(each.record)) for each in self._runners.values()]

    def get(self, webhook_id: int) -> WebhookView:
        """Return one. Raises NotFound."""
        return WebhookView(**self._members(self._find(webhook_id).record))

    async def add(
        self,
        url: str,
        kinds: Sequence[str] = ("drop",),
        secret: str | None = None,
        since: str | None = None,
    ) -> NewWebhookView:
        """Add one, told of what comes after a cursor, or from now on.

        Its secret is in the result, and nowhere else. Raises Invalid, or Gone for the cursor.
        """
        if not self._may_call(url):
            why = "is not on this machine; allow its origin with --allow-webhook"
            raise Invalid("The webhook is not valid.", [FieldError("url", why)])
        seq = self._journal.last_seq if since is None else self._journal.parse(since)
        if len(self._runners) >= MAX_WEBHOOKS:
            raise Invalid(f"There are {MAX_WEBHOOKS} webhooks already, the most there may be.")
        chosen = secrets.token_urlsafe(SECRET_BYTES) if secret is None else secret
        runner = await shielded(self._keep(url, chosen.encode(), tuple(kinds), seq))
        return NewWebhookView(**self._members(runner.record), secret=chosen)

    async def delete(self, webhook_id: int) -> None:
        """Delete one, with what could not be delivered to it. Raises NotFound."""
        await shielded(self._delete(self._find(webhook_id)))

    async def undelivered(self, webhook_id: int) -> list[UndeliveredView]:
        """Return what one could not be told, oldest first. Raises NotFound."""
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
        """Take what one could not be told off the list, up to a cursor and with it.

        Raises NotFound, or Gone for the cursor.
        """
        self._find(webhook_id)
        await self._repository.forget_undelivered(webhook_id, self._journal.parse(upto))

    async def _keep(
        self, url: str, secret: bytes, kinds: tuple[str, ...], seq: int
    ) -> WebhookRunner:
        record = await self._repository.add(url, secret, kinds, seq, now=self._now())
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
            raise NotFound(f"There is no webhook {webhook_id}.")
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
        }
