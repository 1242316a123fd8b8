"""One webhook: entries in order, each until it is taken or given up, and the cursor on disk."""

import hmac
import json
from collections.abc import Iterator, Mapping

import pytest
from attrs import define, evolve, field
from twisted.internet.defer import Deferred

from qabel.core.journal import webhook_runner
from qabel.core.journal.journal import Entry
from qabel.core.journal.presets import CALLS, PRESETS
from qabel.core.journal.webhook_runner import (
    FIRST_PAUSE,
    GIVE_UP_AFTER,
    LONGEST_PAUSE,
    STORE_PAUSE,
    WebhookRunner,
    signed,
)
from qabel.deferreds import result_of
from qabel.net.errors import WebhookFailed
from qabel.store.database.database import Database
from qabel.store.webhooks import Undelivered, Webhook, WebhookRepository
from tests.conftest import LoggedFailures
from tests.core.journal.conftest import Written

URL = "http://127.0.0.1:9/hook"
SECRET = b"a secret of signatures"
NOW = 1_800_000_000.0


@define
class Receiver:
    """The program at the webhook's URL: takes a body, or answers as the test says."""

    got: list[str] = field(factory=list)
    """The cursors of what was taken."""
    attempts: list[float] = field(factory=list)
    headers: dict[str, str] = field(factory=dict)
    status: int = 204
    error: WebhookFailed | None = None
    hanging: "Deferred[None] | None" = None


@define(eq=False)
class Hook:
    """A webhook that is told what is added to a journal."""

    written: Written
    repository: WebhookRepository
    receiver: Receiver
    runner: WebhookRunner

    def add(self, count: int = 1, kind: str = "drop") -> None:
        """Add entries to the journal, and let everybody be told."""
        for _ in range(count):
            self.written.add(kind)
        self.written.pump()

    @property
    def record(self) -> Webhook:
        """The webhook as it is on the disk."""
        [record] = result_of(self.repository.all())
        return record

    @property
    def undelivered(self) -> list[Undelivered]:
        """What the webhook could not be told, as it is on the disk."""
        return result_of(self.repository.undelivered(self.runner.record.id))

    def again(self) -> None:
        """Stop, and start from what is on the disk, as after a restart."""
        self.runner.stop()
        self.runner = make_runner(self.written, self.repository, self.receiver)
        self.runner.start()
        self.written.pump()


def make_runner(
    written: Written, repository: WebhookRepository, receiver: Receiver
) -> WebhookRunner:
    """Return a runner of the only webhook there is."""

    async def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
        receiver.attempts.append(written.clock.seconds())
        if receiver.hanging is not None:
            await receiver.hanging
        if receiver.error is not None:
            raise receiver.error
        receiver.headers = dict(headers)
        if receiver.status < 300:
            receiver.got.append(headers.get("X-Qabel-Latest", body.decode()))
        return receiver.status

    [record] = result_of(repository.all())
    return WebhookRunner(
        record=record,
        repository=repository,
        journal=written.journal,
        post=post,
        clock=written.clock,
        now=lambda: NOW + written.clock.seconds(),
    )


@pytest.fixture
def hook(written: Written, database: Database) -> Iterator[Hook]:
    """Return a webhook that is told of messages after entry 100, and stop it at the end."""
    repository = WebhookRepository(database)
    result_of(repository.add(URL, SECRET, ["drop"], 100, now=NOW))
    receiver = Receiver()
    made = Hook(written, repository, receiver, make_runner(written, repository, receiver))
    made.runner.start()
    yield made
    made.runner.stop()
    assert written.clock.getDelayedCalls() == []


def test_entries_are_brought_in_order(hook: Hook) -> None:
    """Each entry is brought once, and the cursor on the disk follows."""
    hook.add(3)
    assert hook.receiver.got == ["abc.101", "abc.102", "abc.103"]
    assert hook.record.cursor == hook.runner.record.cursor == 103
    assert hook.record.last_success == NOW * 1000
    hook.again()
    hook.add()
    assert hook.receiver.got == ["abc.101", "abc.102", "abc.103", "abc.104"]


def test_other_kinds_are_passed_over(hook: Hook) -> None:
    """A webhook is told only of the kinds that it asked for."""
    hook.add(2, "settings")
    hook.add()
    assert hook.receiver.got == ["abc.103"]


@pytest.mark.parametrize("preset", PRESETS)
def test_push_services(hook: Hook, preset: str) -> None:
    """They learn once that something is new, and nothing else; the cursor follows."""
    hook.runner.stop()
    result_of(hook.repository.delete(hook.runner.record.id))
    result_of(hook.repository.add(URL, SECRET, ["drop"], 100, now=NOW, preset=preset))
    hook.add(5)
    hook.again()
    assert hook.receiver.got == ["New message"]
    assert hook.receiver.headers == CALLS[preset].headers
    assert hook.record.cursor == 105
    hook.add(2, "settings")
    hook.add()
    assert hook.receiver.got == ["New message"] * 2


def test_starting_twice(hook: Hook) -> None:
    """A webhook that is under way is not started a second time."""
    hook.runner.start()
    hook.add()
    assert hook.receiver.got == ["abc.101"]


@pytest.mark.parametrize(
    "trouble",
    [Receiver(error=WebhookFailed("connect", "Refused.")), Receiver(status=500)],
    ids=["error", "status"],
)
def test_failures_are_tried_again(hook: Hook, trouble: Receiver) -> None:
    """What was not taken is brought again after growing pauses, and nothing overtakes it."""
    hook.receiver.error, hook.receiver.status = trouble.error, trouble.status
    hook.add(2)
    hook.written.clock.pump([FIRST_PAUSE] * 30)
    gaps = [b - a for a, b in zip(hook.receiver.attempts, hook.receiver.attempts[1:], strict=False)]
    assert len(gaps) >= 4
    assert gaps[-1] > gaps[0]
    assert hook.record.failures == hook.runner.record.failures == len(hook.receiver.attempts)
    assert hook.record.last_error
    assert (hook.record.cursor, hook.receiver.got) == (100, [])
    hook.receiver.error, hook.receiver.status = None, 200
    hook.written.clock.pump([FIRST_PAUSE] * 60)
    assert hook.receiver.got == ["abc.101", "abc.102"]
    assert (hook.record.failures, hook.record.last_error) == (0, None)
    assert (hook.runner.record.failures, hook.runner.record.last_error) == (0, None)


def test_after_many_attempts_an_entry_is_given_up(hook: Hook, database: Database) -> None:
    """What is never taken is listed as undelivered, with its body, and the next is brought."""
    hook.receiver.status = 500
    hook.add()
    sql = "INSERT INTO events (seq, kind, detail, created) VALUES (101, 'outbox', x'7b7d', 1)"
    result_of(database.run(lambda connection: connection.execute(sql).rowcount))
    hook.written.clock.pump([LONGEST_PAUSE] * (GIVE_UP_AFTER - 2))
    assert hook.undelivered == []
    hook.written.clock.advance(LONGEST_PAUSE)
    assert len(hook.receiver.attempts) == GIVE_UP_AFTER
    [listed] = hook.undelivered
    assert (listed.seq, listed.kind, listed.body) == (101, "drop", b"{}")
    assert "500" in listed.error
    assert hook.record.cursor == hook.runner.record.cursor == 101
    hook.receiver.status = 204
    hook.add()
    assert hook.receiver.got == ["abc.102"]


def test_what_is_deleted_is_not_brought_again(hook: Hook) -> None:
    """A message that is deleted while its delivery is retried is brought no more."""
    hook.receiver.status = 500
    hook.add(2)
    assert len(hook.receiver.attempts) == 1
    [deleted] = [each for each in hook.written.entries.kept if each.seq == 101]
    hook.written.entries.kept.remove(deleted)
    hook.written.journal.read_again()
    hook.receiver.status = 204
    hook.written.clock.pump([LONGEST_PAUSE] * 2)
    assert hook.receiver.got == ["abc.102"]
    assert (hook.record.cursor, hook.record.failures, hook.record.last_error) == (102, 0, None)
    assert hook.undelivered == []


def test_events_that_are_gone_are_listed_as_a_gap(written: Written, database: Database) -> None:
    """A webhook that was away for too long is listed what it missed, and goes on after it."""
    repository = WebhookRepository(database)
    result_of(repository.add(URL, SECRET, ["drop", "settings"], 10, now=NOW))
    written.journal.forget(98)
    hook = Hook(written, repository, Receiver(), make_runner(written, repository, Receiver()))
    hook.again()
    assert hook.receiver.got == ["abc.99", "abc.100"]
    [listed] = hook.undelivered
    assert listed.kind == "gap"
    assert json.loads(listed.body) == {"gap": ["abc.10", "abc.98"]}
    hook.runner.stop()


def test_a_store_that_fails_is_waited_for(hook: Hook, database: Database) -> None:
    """When a cursor cannot be kept, the entry is brought again once the store may work again."""
    result_of(database.run(lambda it: it.execute("ALTER TABLE webhooks RENAME TO hidden")))
    hook.add()
    hook.written.clock.advance(STORE_PAUSE)
    assert hook.receiver.got == ["abc.101", "abc.101"]
    result_of(database.run(lambda it: it.execute("ALTER TABLE hidden RENAME TO webhooks")))
    hook.written.clock.advance(STORE_PAUSE)
    hook.add()
    assert hook.receiver.got == ["abc.101", "abc.101", "abc.101", "abc.102"]
    assert hook.record.cursor == 102


def test_stopping_breaks_off_what_is_under_way(hook: Hook) -> None:
    """A call under way is cancelled, nothing is noted, and the entry is brought after a start."""
    cancelled = []
    hook.receiver.hanging = Deferred(lambda _: cancelled.append(True))
    hook.add()
    hook.runner.stop()
    hook.runner.stop()
    assert cancelled == [True]
    assert (hook.record.cursor, hook.record.failures) == (100, 0)
    hook.receiver.hanging = None
    hook.again()
    assert hook.receiver.got == ["abc.101"]


def test_the_body_is_signed(hook: Hook) -> None:
    """The headers have kind and cursor of an entry, and a signature over time and body."""
    hook.add()
    headers = hook.receiver.headers
    assert headers["X-Qabel-Event"] == "drop"
    assert headers["X-Qabel-Time"] == str(int(NOW))
    expected = hmac.digest(SECRET, headers["X-Qabel-Time"].encode() + b".{}", "sha256").hex()
    assert headers["X-Qabel-Signature"] == expected


def test_a_signature_holds_for_one_time_and_body() -> None:
    """With another secret, time or body the signature is another one."""
    entry = Entry(1, "abc.1", "drop", b"{}")
    signatures = {
        signed(secret, each, stamp)["X-Qabel-Signature"]
        for secret in (b"one", b"two")
        for each in (entry, evolve(entry, data=b"[]"))
        for stamp in ("1", "2")
    }
    assert len(signatures) == 8


def test_an_unexpected_error_ends_nothing(
    hook: Hook, monkeypatch: pytest.MonkeyPatch, logged_failures: LoggedFailures
) -> None:
    """A bug in one attempt counts as a failure, and delivery goes on after a pause."""
    with monkeypatch.context() as broken:
        broken.setattr(webhook_runner, "signed", lambda *_: 1 // 0)
        hook.add()
        assert hook.runner.record.failures == 1
        assert hook.runner.record.last_error == "Internal error; the daemon's log has details."
        assert len(logged_failures.flush()) == 1
    hook.written.clock.advance(STORE_PAUSE)
    assert hook.receiver.got == ["abc.101"]
    assert hook.runner.record.failures == 0


def test_how_long_a_receiver_takes(hook: Hook) -> None:
    """The time of an attempt counts while it is under way, and no longer."""
    assert hook.runner.waiting is None
    hanging: Deferred[None] = Deferred()
    hook.receiver.hanging = hanging
    hook.add()
    hook.written.clock.advance(7)
    assert hook.runner.waiting == 7
    hanging.callback(None)
    assert hook.runner.waiting is None
