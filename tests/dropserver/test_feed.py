"""Push of a server that is alone: what it stores goes to its subscribers."""

import pytest_twisted
from wsproto.events import BytesMessage, TextMessage

from qabel.dropserver.feed import OwnFeed
from qabel.dropserver.message_values import Post
from qabel.dropserver.stamps import format_latest
from qabel.host.push.push_hub import PushHub

DROP = "a" * 43


class NotingHub(PushHub):
    """Notes what is published."""

    __slots__ = ("published",)

    def __init__(self) -> None:
        super().__init__()
        self.published: list[tuple[str, bytes]] = []

    def has_subscribers(self, topic: str) -> bool:
        """Return that there are some."""
        return True

    def publish(self, topic: str, message: BytesMessage | TextMessage) -> None:
        """Note a message."""
        assert isinstance(message, BytesMessage)
        self.published.append((topic, bytes(message.data)))


@pytest_twisted.ensureDeferred
async def test_what_is_stored_is_passed_on() -> None:
    """At once, whoever follows; anybody can subscribe at any time."""
    hub = NotingHub()
    feed = OwnFeed(hub)
    assert feed.is_ready
    await feed.follow(DROP)
    feed.stored(Post(DROP, b"body"), 7)
    feed.close()
    ((topic, data),) = hub.published
    assert topic == DROP
    assert data.startswith(f"X-Qabel-Latest: {format_latest(7)}\n".encode())
    assert data.endswith(b"\n\nbody")
