"""How messages get to push subscribers once they are stored."""

from typing import Protocol

from attrs import frozen

from qabel.dropserver.message_values import Post
from qabel.dropserver.pushed_message import push_message
from qabel.host.push.push_hub import PushHub


class Feed(Protocol):
    """Passes messages on to the subscribers of a server."""

    @property
    def is_ready(self) -> bool:
        """Whether anybody can subscribe now."""

    async def follow(self, drop_id: str) -> None:
        """Follow a drop from now on, before somebody subscribes to it.

        Raises StoreUnavailable if nobody can subscribe now.
        """

    def stored(self, post: Post, stamp: int) -> None:
        """Note that this server stored a message."""

    def close(self) -> None:
        """Pass nothing on any more."""


@frozen(eq=False)
class OwnFeed:
    """Passes on what a server stores itself, when there is no other that stores for it.

    Args:
        hub: has the subscribers.

    """

    _hub: PushHub

    @property
    def is_ready(self) -> bool:
        """Whether anybody can subscribe now: always."""
        return True

    async def follow(self, drop_id: str) -> None:
        """Do nothing: every drop is followed."""

    def stored(self, post: Post, stamp: int) -> None:
        """Send a message to the subscribers of its drop."""
        push_message(self._hub, post.drop_id, stamp, post.body)

    def close(self) -> None:
        """Do nothing: there is nothing that goes on by itself."""
