"""Delivering messages to an application's thread, without a daemon."""

import threading
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from qabel.embed import message_delivery
from qabel.embed.message_delivery import MessageDelivery
from qabel.host.reactor_calls import Stopped
from tests.conftest import LoggedFailures


@attrs.frozen
class Entry:
    """What matters here of a journal entry."""

    data: bytes
    kind: str = "drop"


@attrs.define(eq=False, slots=False)
class Application:
    """An application that gets messages and can refuse them."""

    batches: list[list[Entry]]
    refusals: int = 0
    messages: list[Any] = attrs.field(factory=list)
    calls: list[Callable[[], None]] = attrs.field(factory=list)
    stopped: threading.Event = attrs.field(factory=threading.Event)
    immediate: bool = True

    def next_entries(self) -> list[Entry]:
        """Return the next batch of entries."""
        return self.batches.pop(0)

    def deliver(self, call: Callable[[], None]) -> None:
        """Call the function, now or later, unless it is to be refused."""
        if self.refusals:
            self.refusals -= 1
            raise RuntimeError("not ready")
        if self.immediate:
            call()
        else:
            self.calls.append(call)

    def delivery(self) -> MessageDelivery:
        """Return a delivery to this application."""
        return MessageDelivery(self.next_entries, self.messages.append, self.deliver, self.stopped)


def entries(*texts: str) -> list[Entry]:
    """Return entries with these messages."""
    return [Entry(f'"{text}"'.encode()) for text in texts]


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry at once."""
    monkeypatch.setattr(message_delivery, "RETRY", 0.0)


def test_order() -> None:
    """Messages are delivered one by one in order, until there are no more entries."""
    application = Application([entries("one", "two"), entries("three"), []])
    application.delivery().run()
    assert application.messages == ["one", "two", "three"]


def test_damage_does_not_stop_the_delivery(logged_failures: LoggedFailures) -> None:
    """What cannot be read is logged, and the messages after it are delivered."""
    damage = Entry(b'{"table":"messages","ids":"3-4"}', "damage")
    application = Application([[damage, *entries("five")], []])
    application.delivery().run()
    assert application.messages == ["five"]
    logged_failures.flush()


def test_retries(logged_failures: LoggedFailures) -> None:
    """A message that is refused is retried before the next; only the first failure is logged."""
    application = Application([entries("one", "two"), []], refusals=3)
    application.delivery().run()
    assert application.messages == ["one", "two"]
    assert len(logged_failures.flush()) == 1


def test_end() -> None:
    """After ``end`` nothing is called, not even what was on its way."""
    application = Application([entries("one", "two"), []], immediate=False)
    delivery = application.delivery()
    delivery.run()
    late, *_ = application.calls
    late()
    assert application.messages == ["one"]
    delivery.end()
    for call in application.calls:
        call()
    assert application.messages == ["one"]
    delivery.run()
    assert application.messages == ["one"]


def test_the_daemon_stops() -> None:
    """When the daemon stops, the delivery ends quietly, waiting or not."""
    application = Application([entries("one")])

    def stop() -> list[Entry]:
        raise Stopped("stopped")

    application.next_entries = stop  # type: ignore[method-assign]
    application.delivery().run()
    del application.next_entries
    application.stopped.set()
    application.delivery().run()
    assert application.messages == []
