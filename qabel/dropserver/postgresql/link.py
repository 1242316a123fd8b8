"""A connection to PostgreSQL that is made when it is needed, and again after it was lost.

Whatever the database does, nothing waits for it longer than a few seconds: a statement that takes
too long is cancelled, and a connection on which that does not help is cut.
"""

import contextlib
import logging
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from select import POLLIN, poll
from threading import Event, Thread
from typing import Any, ClassVar

import psycopg
from attrs import define, field
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from qabel.dropserver.storage import StoreUnavailable
from qabel.host.start_errors import StartError

PATIENCE = 5.0
"""Seconds that anything asked of the database may take."""

CUT_AFTER = 7.0
"""Seconds after which a connection is cut on which cancelling did not help."""

RETRY_INTERVAL = 1.0
"""Seconds between attempts to connect."""

_LOOK_INTERVAL = 0.5
"""Seconds between looks at what takes too long."""

# Without a handler, it would write what it ignores to the standard error, for each message.
logging.getLogger("psycopg").addHandler(logging.NullHandler())

_OF_DATA = "22"
"""The class of errors whose messages quote values (PostgreSQL, appendix A)."""

_DEFAULTS = {
    "application_name": "qabel-drop",
    "connect_timeout": "5",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "7000",
    # Several hosts may be named: the one that is the primary is used.
    "target_session_attrs": "read-write",
}
"""What a URL need not say."""


class DatabaseAway(StoreUnavailable):
    """The database does not answer, or refuses to; says why, without what it was asked."""

    wait: ClassVar[float] = 5.0


class NotReplicated(DatabaseAway):
    """The database has stored it, but its standby has not confirmed that it has, too."""


def describe(error: psycopg.Error) -> str:
    """Return what an error of the database says, without any data."""
    if (error.sqlstate or "").startswith(_OF_DATA):
        return type(error).__name__
    said = error.diag.message_primary or str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


@define(eq=False, repr=False)
class DatabaseLink:
    """A connection for one thread at a time, in autocommit mode.

    Args:
        url: of the database.
        prepare: called with each new connection before it is used.

    """

    _url: str
    _prepare: Callable[["psycopg.Connection[Any]"], None] = lambda _: None
    _now: Callable[[], float] = field(default=time.monotonic, kw_only=True)
    _connection: "psycopg.Connection[Any] | None" = field(default=None, init=False)
    _retry_at: float = field(default=0.0, init=False)
    _reason: str = field(default="", init=False)
    """Why the last attempt to connect failed."""
    _since: float | None = field(default=None, init=False)
    """When what runs now began."""
    _is_cancelled: bool = field(default=False, init=False)
    _warned: list[str] = field(factory=list, init=False)
    """What the database warned of during what runs now."""

    @contextmanager
    def use(self) -> "Iterator[psycopg.Connection[Any]]":
        """Lend the connection, which is made if there is none. Raises DatabaseAway."""
        connection = self._connect()
        self.begin_anew()
        try:
            yield connection
        except psycopg.Error as error:
            raise DatabaseAway(describe(error)) from None
        finally:
            self._since = None
            self._tidy_up(connection)

    @contextmanager
    def transaction(self) -> "Iterator[psycopg.Connection[Any]]":
        """Lend the connection for a transaction, which ends with the block.

        Raises DatabaseAway; NotReplicated if it is stored here and perhaps nowhere else.
        """
        with self.use() as connection:
            with connection.transaction():
                yield connection
                self._warned.clear()
            if self._warned:
                raise NotReplicated("the standby did not confirm a transaction in time")

    def begin_anew(self) -> None:
        """Count the time anew, for whoever asks for one thing after another in one use."""
        self._is_cancelled = False
        self._warned.clear()
        self._since = self._now()

    def close(self) -> None:
        """Close the connection; the next use makes another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(psycopg.Error):
                connection.close()

    def look(self) -> None:
        """Cancel what takes too long, or cut the connection; called by another thread."""
        since, connection = self._since, self._connection
        if since is None or connection is None or self._now() - since < PATIENCE:
            return
        if not self._is_cancelled:
            self._is_cancelled = True
            # On a thread of its own: a database that does not answer this either would keep others
            # from being looked at.
            Thread(
                target=_cancel, args=(connection,), name="drop-store-cancel", daemon=True
            ).start()
        elif self._now() - since >= CUT_AFTER:
            self.cut()

    def cut(self) -> None:
        """Shut the socket of the connection down, so that whoever waits for it does so no longer.

        Called by another thread than the one that uses it.
        """
        connection = self._connection
        with contextlib.suppress(OSError, psycopg.Error):
            if connection is not None:
                with socket.socket(fileno=os.dup(connection.fileno())) as copy:
                    copy.shutdown(socket.SHUT_RDWR)

    def _connect(self) -> "psycopg.Connection[Any]":
        if self._connection is not None and not self._is_lost(self._connection):
            return self._connection
        if self._now() < self._retry_at:
            raise DatabaseAway(self._reason)
        try:
            made = psycopg.connect(_completed(self._url), autocommit=True)
        except psycopg.Error as error:
            self._fail(describe(error))
        made.add_notice_handler(self._note)
        self._connection = made
        self.begin_anew()
        try:
            self._prepare(made)
        except psycopg.Error as error:
            self.close()
            self._fail(describe(error))
        except BaseException:
            self.close()
            raise
        finally:
            self._since = None
        return made

    def _is_lost(self, connection: "psycopg.Connection[Any]") -> bool:
        """Find out whether the connection ended while it was not used, and close it if so."""
        with contextlib.suppress(psycopg.Error, OSError):
            # Nobody asked for anything: there is something to read at the end, or a notice.
            looking = poll()
            looking.register(connection.fileno(), POLLIN)
            if not looking.poll(0):
                return False
            self.begin_anew()
            connection.execute("SELECT 1")
            return False
        self._since = None
        self.close()
        return True

    def _fail(self, reason: str) -> None:
        self._reason = reason
        self._retry_at = self._now() + RETRY_INTERVAL
        raise DatabaseAway(reason)

    def _note(self, notice: psycopg.errors.Diagnostic) -> None:
        if notice.severity_nonlocalized == "WARNING":
            self._warned.append(notice.message_primary or "")

    def _tidy_up(self, connection: "psycopg.Connection[Any]") -> None:
        if connection.closed or connection.broken:
            self.close()


@contextmanager
def used_once(
    url: str, prepare: Callable[["psycopg.Connection[Any]"], None] = lambda _: None
) -> "Iterator[psycopg.Connection[Any]]":
    """Lend a connection for one thing to do, as a command does it. Raises StartError."""
    link = DatabaseLink(url, prepare)
    try:
        with link.use() as connection:
            yield connection
    except DatabaseAway as error:
        raise StartError(f"cannot use the database: {error}") from None
    finally:
        link.close()


@define(eq=False)
class LinkWatchdog:
    """A thread that looks at links again and again, until it is ended."""

    _links: list[DatabaseLink]
    _ended: Event = field(factory=Event, init=False)

    def __attrs_post_init__(self) -> None:
        Thread(target=self._run, name="drop-store-watchdog", daemon=True).start()

    def end(self) -> None:
        """Stop looking."""
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.wait(_LOOK_INTERVAL):
            for each in self._links:
                each.look()


def _cancel(connection: "psycopg.Connection[Any]") -> None:
    with contextlib.suppress(psycopg.Error):
        connection.cancel_safe(timeout=CUT_AFTER - PATIENCE)


def _completed(url: str) -> str:
    """Return connection parameters with what a URL leaves open."""
    given = conninfo_to_dict(url)
    return make_conninfo(url, **{k: v for k, v in _DEFAULTS.items() if k not in given})
