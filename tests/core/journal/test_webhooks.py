"""Webhooks: told everything in order, at their own pace, over restarts."""

import hmac
import json

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred

from qabel.core.errors import Invalid, NotFound
from qabel.core.journal import webhook_runner
from qabel.core.journal.webhooks import WEBHOOK_INPUT
from qabel.forms.errors import InvalidInput
from qabel.jsontext import encode
from qabel.net.errors import WebhookFailed

URL = "http://127.0.0.1:9/hook"


class Receiver:
    """Stands for the network: answers as the test says."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.failures = 0
        self.waiting: list[Deferred[None]] = []

    async def post_json(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        """Take a body, or fail."""
        if self.failures:
            self.failures -= 1
            raise WebhookFailed("connect", "refused")
        self.got.append((headers, body))
        waiting, self.waiting = self.waiting, []
        for each in waiting:
            each.callback(None)
        return 204

    def may_call(self, url: str) -> bool:
        """Allow what is on this machine."""
        return "127.0.0.1" in url

    async def until(self, count: int) -> None:
        """Wait until so many came."""
        while len(self.got) < count:
            more: Deferred[None] = Deferred()
            self.waiting.append(more)
            await more

    async def close(self) -> None:
        """There is nothing to close."""


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Receiver:
    """Have all webhooks lead here, with short pauses."""
    made = Receiver()
    monkeypatch.setattr("qabel.core.foundation.WebhookClient", lambda *_, **__: made)
    monkeypatch.setattr(webhook_runner, "FIRST_PAUSE", 0.01)
    return made


@pytest_twisted.ensureDeferred
async def test_told_in_order_and_signed(world, receiver) -> None:
    """Each message comes once, in order, with a signature over time and body."""
    alice, bob = await world.friends()
    hook = await bob.webhooks.add(URL)
    for text in ("a", "b", "c"):
        await world.say(alice, text)
    await bob.poller.poll_now()
    await receiver.until(3)
    assert [json.loads(body)["data"]["msg"] for _, body in receiver.got] == ["a", "b", "c"]
    headers, body = receiver.got[0]
    text = headers["X-Qabel-Time"].encode() + b"." + body
    signature = hmac.digest(hook.secret.encode(), text, "sha256").hex()
    assert headers["X-Qabel-Signature"] == signature


@pytest_twisted.ensureDeferred
async def test_retried_and_resumed(world, receiver) -> None:
    """What failed is brought again, and after a restart it goes on where it was."""
    alice, bob = await world.friends()
    await bob.webhooks.add(URL)
    receiver.failures = 3
    await world.say(alice, "one")
    await bob.poller.poll_now()
    await receiver.until(1)
    await world.say(alice, "two")
    await world.close()
    bob = await world.core("Bob")
    await bob.poller.poll_now()
    await receiver.until(2)
    assert [json.loads(body)["data"]["msg"] for _, body in receiver.got] == ["one", "two"]
    assert "secret" not in encode(bob.webhooks.all()).decode()


@pytest_twisted.ensureDeferred
async def test_given_up_is_listed(world, receiver, monkeypatch) -> None:
    """After enough attempts an entry is listed as undelivered, and the next one comes."""
    monkeypatch.setattr(webhook_runner, "GIVE_UP_AFTER", 2)
    alice, bob = await world.friends()
    hook = await bob.webhooks.add(URL)
    receiver.failures = 2
    await world.say(alice, "lost")
    await world.say(alice, "next")
    await bob.poller.poll_now()
    await receiver.until(1)
    assert json.loads(receiver.got[0][1])["data"]["msg"] == "next"
    [listed] = await bob.webhooks.undelivered(hook.id)
    assert json.loads(bytes(listed.body))["data"]["msg"] == "lost"
    await bob.webhooks.forget_undelivered(hook.id, "0")
    assert await bob.webhooks.undelivered(hook.id) == [listed]
    await bob.webhooks.forget_undelivered(hook.id, listed.place)
    assert await bob.webhooks.undelivered(hook.id) == []


@pytest_twisted.ensureDeferred
async def test_elsewhere_and_unknown(world, receiver) -> None:
    """A host that is not allowed is not called, and an unknown id is not found."""
    bob = await world.person("Bob")
    with pytest.raises(Invalid):
        await bob.webhooks.add("https://example.org/hook")
    with pytest.raises(NotFound):
        bob.webhooks.get(1)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"url": "ftp://x/"},
        {"url": 5},
        {"url": URL, "kinds": []},
        {"url": URL, "kinds": ["nonsense"]},
        {"url": URL, "secret": "short"},
        {"url": URL, "more": 1},
        {"url": URL, "since": 7},
    ],
)
def test_what_is_no_webhook(given) -> None:
    """Each thing that is wrong with one is told."""
    with pytest.raises(InvalidInput):
        WEBHOOK_INPUT.read(given)
