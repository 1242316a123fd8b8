"""What front ends tell each other: in which drops there is something new.

Each sends one notice for what it stored in some milliseconds, in a transaction of its own: notices
of transactions that store messages would have those wait for each other. A notice has the first 8
bytes of each drop's hash, which is enough to find those that somebody listens to.
"""

import base64
from collections.abc import Callable, Iterable, Sequence
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any

import psycopg
from attrs import define, field
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorFromThreads

from qabel.dropserver.postgresql.link import DatabaseAway, DatabaseLink

CHANNEL = "qabel_drops"

INTERVAL = 0.05
"""Seconds whose news go into one notice."""

PREFIX_SIZE = 8
"""Bytes of a drop's hash in a notice."""

_MOST = 700
"""Drops in a notice, which must have fewer than 8000 bytes (PostgreSQL, NOTIFY)."""

_LOOK_INTERVAL = 1.0
"""Seconds for which notices are waited for, before it is seen whether the connection lives."""

_RETRY_INTERVAL = 1.0


def encode_notices(places: Iterable[bytes]) -> list[str]:
    """Return the texts of notices for drops, given by their hashes."""
    prefixes = sorted({place[:PREFIX_SIZE] for place in places})
    return [
        base64.b64encode(b"".join(prefixes[at : at + _MOST])).decode()
        for at in range(0, len(prefixes), _MOST)
    ]


def decode_notice(text: str) -> set[bytes]:
    """Return the prefixes of the drops of a notice; none if it is not one of ours."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        return set()
    return {data[at : at + PREFIX_SIZE] for at in range(0, len(data), PREFIX_SIZE)}


@define(eq=False, repr=False)
class Notices:
    """Tells other front ends what is new, and hears what they tell.

    Args:
        url: of the database.
        reactor: gets what was heard.

    """

    _url: str
    _reactor: IReactorFromThreads
    _telling: DatabaseLink = field(init=False)
    _hearing: DatabaseLink = field(init=False)
    _on_news: Callable[[set[bytes]], object] = field(default=lambda _: None, init=False)
    _on_listening: Callable[[bool], object] = field(default=lambda _: None, init=False)
    _own: int = field(default=0, init=False)
    """The process of the database that sends what we tell."""
    _news: "SimpleQueue[set[bytes] | None]" = field(factory=SimpleQueue, init=False)
    _ended: Event = field(factory=Event, init=False)
    _told: "Deferred[None] | None" = field(default=None, init=False)
    """Fires when all is told at the end; None before the start."""

    def start(
        self,
        *,
        on_news: Callable[[set[bytes]], object],
        on_listening: Callable[[bool], object],
    ) -> None:
        """Begin to tell and to hear.

        Args:
            on_news: called with the prefixes of drops in which others stored messages.
            on_listening: called with whether others can be heard, when that changes.

        """
        self._on_news, self._on_listening = on_news, on_listening
        self._told = Deferred()
        Thread(target=self._send, name="drop-store-tells", daemon=True).start()
        Thread(target=self._hear, name="drop-store-hears", daemon=True).start()

    def announce(self, places: set[bytes]) -> None:
        """Tell the others that there are messages in drops, given by their hashes."""
        if places:
            self._news.put(places)

    def close(self) -> "Deferred[None]":
        """Hear nothing more; fires once the others were told what there was to tell."""
        self._ended.set()
        self._news.put(None)
        return self._told or succeed(None)

    @_telling.default
    def _make_telling(self) -> DatabaseLink:
        return DatabaseLink(self._url)

    @_hearing.default
    def _make_hearing(self) -> DatabaseLink:
        return DatabaseLink(self._url, _listen)

    @property
    def links(self) -> Sequence[DatabaseLink]:
        """The connections in use."""
        return self._telling, self._hearing

    # On the threads

    def _send(self) -> None:
        places: set[bytes] = set()
        while not self._ended.is_set():
            if not places:
                places |= self._news.get() or set()
            # Others may have something to tell, too. Once it ends, there is no time to wait.
            self._ended.wait(INTERVAL)
            places |= self._waiting()
            if self._tell(places):
                places.clear()
            else:
                self._ended.wait(_RETRY_INTERVAL)
        self._tell(places | self._waiting())
        self._telling.close()
        if self._told is not None:
            self._reactor.callFromThread(self._told.callback, None)

    def _waiting(self) -> set[bytes]:
        """Return what is to be told, too, by now."""
        places: set[bytes] = set()
        while not self._news.empty():
            places |= self._news.get() or set()
        return places

    def _tell(self, places: set[bytes]) -> bool:
        texts = encode_notices(places)
        if not texts:
            return True
        try:
            with self._telling.use() as connection:
                self._own = connection.info.backend_pid
                connection.execute(
                    "SELECT pg_notify(%s, text) FROM unnest(%s::text[]) AS text", (CHANNEL, texts)
                )
        except DatabaseAway:
            return False
        return True

    def _hear(self) -> None:
        is_listening = False
        while not self._ended.is_set():
            try:
                with self._hearing.use() as connection:
                    connection.execute("SELECT 1")
                    if not is_listening:
                        is_listening = True
                        self._reactor.callFromThread(self._on_listening, True)
                    for notice in connection.notifies(timeout=_LOOK_INTERVAL):
                        self._pass_on(notice)
            except DatabaseAway:
                if is_listening:
                    is_listening = False
                    self._reactor.callFromThread(self._on_listening, False)
                self._ended.wait(_RETRY_INTERVAL)
        self._hearing.close()

    def _pass_on(self, notice: psycopg.Notify) -> None:
        if notice.pid != self._own and (prefixes := decode_notice(notice.payload)):
            self._reactor.callFromThread(self._on_news, prefixes)


def _listen(connection: "psycopg.Connection[Any]") -> None:
    connection.execute(f"LISTEN {CHANNEL}")
