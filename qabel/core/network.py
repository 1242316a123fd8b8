"""The core's access to drop servers: fetching, posting, and listening by push."""

from collections.abc import Awaitable, Callable, Collection
from functools import partial
from typing import Any, Protocol

from qabel.core.backoff import backoff
from qabel.core.receiving.poll_times import reconnect_pause
from qabel.core.receiving.push_watch import DropListener
from qabel.core.receiving.receiver import Fetcher
from qabel.core.sending.delivery_attempts import DropPoster
from qabel.drop.url import DropURL
from qabel.net.address_policy import AddressPolicy
from qabel.net.drop_client import DropClient
from qabel.net.group_tokens import GroupTokens
from qabel.net.isolation import Isolation
from qabel.net.proxy import Proxy
from qabel.net.push_listener import PushListener

RARELY = 3600.0
"""Seconds at most until a server without push is asked for it again."""


class Network(Fetcher, DropPoster, Protocol):
    """What the core needs of the network: ``DropServers``, or ``qabel.testing``'s in memory."""

    def listen(self, url: DropURL, on_news: Callable[[Collection[bytes]], None]) -> DropListener:
        """Return the push listener of a drop, which calls ``on_news`` at new messages."""

    def drop_id_bits(self, server: str, owner: bytes) -> Awaitable[int]:
        """Ask a server how many random bits new drop ids are to have. Raises DropServerError."""

    def close(self) -> Awaitable[None]:
        """Close all connections."""


class DropServers(DropClient):
    """The real drop servers.

    Args:
        reactor: opens the connections, and is the clock of all pauses.
        configured: returns the URLs, in normal form, of the servers that the user trusts.
        own: returns those of the user's own drops, which may use http at public addresses.
        isolation: decides which requests may share a connection.
        proxy: says whether there is a proxy.
        group_tokens: the tokens of closed groups.

    """

    def __init__(
        self,
        reactor: Any,
        configured: Callable[[], Collection[str]],
        own: Callable[[], Collection[str]] = frozenset,
        isolation: Isolation | None = None,
        proxy: Proxy | None = None,
        group_tokens: GroupTokens | None = None,
    ) -> None:
        proxy = Proxy() if proxy is None else proxy
        policy = AddressPolicy(configured, own, lambda: proxy.url is not None)
        super().__init__(
            reactor,
            policy=policy,
            isolation=isolation or Isolation(),
            proxy=proxy,
            group_tokens=group_tokens or GroupTokens(),
        )

    def listen(self, url: DropURL, on_news: Callable[[Collection[bytes]], None]) -> DropListener:
        """Return the push listener of a drop, which calls ``on_news`` at new messages."""
        return PushListener(
            self.connector,
            self.policy,
            self.isolation,
            url,
            on_news,
            clock=self._clock,
            delay=reconnect_pause,
            rare_delay=partial(backoff, base=60.0, longest=RARELY),
            tokens=self.group_tokens,
        )
