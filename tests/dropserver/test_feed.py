"""Push of a server that is alone: what it stores goes to its subscribers."""

import pytest_twisted

from qabel.dropserver.feed import OwnFeed
from qabel.dropserver.message_values import Post
from qabel.dropserver.push_hub import PushHub

DROP = "a" * 43


class NotingHub(PushHub):
    """Notes what is published."""

    __slots__ = ("published",)

    def __init__(self) -> None:
        super().__init__()
        self.published: list[tuple[str, int, bytes]] = []

    def publish(self, drop_id: str, stamp: int, body: bytes) -> None:
        """Note a message."""
        self.published.append((drop_id, stamp, body))


@pytest_twisted.ensureDeferred
async def test_what_is_stored_is_passed_on() -> None:
    """At once, whoever follows; anybody can subscribe at any time."""
    hub = NotingHub()
    feed = OwnFeed(hub)
    assert feed.is_ready
    await feed.follow(DROP)
    feed.stored(Post(DROP, b"body"), 7)
    feed.close()
    assert hub.published == [(DROP, 7, b"body")]
