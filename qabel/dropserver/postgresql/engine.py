"""A drop server that stores messages in PostgreSQL, beside others that do."""

from collections.abc import Callable
from typing import Any

from attrs import define, field

from qabel.dropserver.feed import Feed
from qabel.dropserver.message_values import Retention
from qabel.dropserver.postgresql.feed import DatabaseFeed
from qabel.dropserver.postgresql.store import PostgresStore
from qabel.dropserver.storage import Storage
from qabel.dropserver.wanted import Wanted
from qabel.host.push.push_hub import PushHub
from qabel.host.start_errors import StartError


@define(eq=False, repr=False)
class PostgresEngine:
    """Stores messages in a database, which need not be there at the start.

    Args:
        url: of the database.
        wanted: how long messages are to be kept, and how many.
        reactor: Twisted's reactor.
        on_refused: called when it turns out that the database cannot be used at all.

    """

    _url: str
    _wanted: Wanted
    _reactor: Any
    _on_refused: Callable[[StartError], object] = field(kw_only=True)
    _store: PostgresStore | None = field(default=None, init=False)

    @property
    def retention(self) -> Retention:
        """How long messages are kept, and how many, as far as that is known."""
        if self._store is not None and self._store.is_prepared:
            return self._store.retention
        return self._wanted.retention

    def open(self, hub: PushHub) -> tuple[Storage, Feed]:
        """Begin to use the database."""
        store = self._store = PostgresStore(
            self._url, self._wanted, self._reactor, on_refused=self._on_refused
        )
        feed = DatabaseFeed(hub, store, self._reactor)
        store.notices.start(on_news=feed.heard, on_listening=feed.listening)
        feed.start()
        return store, feed
