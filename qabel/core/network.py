"""All that goes out to drop servers, in one place: fetching, posting, and listening for news."""

from collections.abc import Awaitable, Callable, Collection
from functools import partial
from typing import Any, Protocol

from qabel.core.backoff import backoff
from qabel.core.receiving.push_watch import DropListener
from qabel.core.receiving.receiver import Fetcher
from qabel.core.sending.poster import DropPoster
from qabel.drop.url import DropURL
from qabel.net.address_policy import AddressPolicy
from qabel.net.drop_client import DropClient
from qabel.net.push_listener import PushListener

RARELY = 3600.0
"""Seconds after which a server that knows no push is asked again, at the longest."""


class Network(Fetcher, DropPoster, Protocol):
    """What the core needs of the network."""

    def listen(self, url: DropURL, on_news: Callable[[], None]) -> DropListener:
        """Return the push listener of a drop."""

    def close(self) -> Awaitable[None]:
        """Close all connections."""


class DropServers(DropClient):
    """The real drop servers. ``configured`` returns those that the user chose, in normal form."""

    def __init__(self, reactor: Any, configured: Callable[[], Collection[str]]) -> None:
        policy = AddressPolicy(configured)
        super().__init__(reactor, policy=policy)
        self._reactor = reactor

    def listen(self, url: DropURL, on_news: Callable[[], None]) -> DropListener:
        """Return the push listener of a drop."""
        return PushListener(
            self.connector,
            self.policy,
            url,
            on_news,
            clock=self._reactor,
            delay=partial(backoff, base=1.0),
            rare_delay=partial(backoff, base=60.0, longest=RARELY),
        )
