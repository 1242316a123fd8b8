"""The messages of a drop server in PostgreSQL, by threads that may wait for it.

Messages that wait for the writing thread together are committed together.
"""

from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any, TypeVar

import psycopg
from attrs import define, field
from twisted.internet.defer import Deferred, fail, gatherResults, succeed

from qabel.dropserver.admission import Full
from qabel.dropserver.message_purge import MessagePurge
from qabel.dropserver.message_values import Post, Retention, Row, Selection, Since, hash_drop_id
from qabel.dropserver.postgresql.appending import Appender
from qabel.dropserver.postgresql.asking import AskedPlaces
from qabel.dropserver.postgresql.configuration import agree, read_retention
from qabel.dropserver.postgresql.link import DatabaseAway, DatabaseLink, LinkWatchdog
from qabel.dropserver.postgresql.notices import Notices
from qabel.dropserver.postgresql.outages import Outages
from qabel.dropserver.postgresql.purging import purge_step
from qabel.dropserver.postgresql.reader_threads import ReaderThreads
from qabel.dropserver.postgresql.reading import MessageReader, Opening, Pushed
from qabel.dropserver.postgresql.room import SharedRoom
from qabel.dropserver.postgresql.schema import VERSION, bring_up_to_date
from qabel.dropserver.postgresql.summing import read_usage
from qabel.dropserver.postgresql.upkeep import keep_up
from qabel.dropserver.storage import NoRoom, StoreUnavailable, T
from qabel.dropserver.usage import Usage
from qabel.dropserver.wanted import Wanted
from qabel.host.job_thread import Job, JobThread, Worker
from qabel.host.start_errors import StartError
from qabel.host.turn_groups import TurnGroups

GROUP_SIZE = 256
"""Messages that are stored in one transaction at most."""

LOOKERS, READERS = 2, 3
"""Threads, and connections, that look for news, and that read."""

_READING = "reading"

_STORING = "storing"

_KEEPING = "keeping"
"""Kinds of what is done, for outages."""

J = TypeVar("J", bound=Job)


@define(eq=False)
class _Posting(Job):
    """A message to store."""

    post: Post = field(repr=False, kw_only=True)


@define(eq=False)
class _Asking(Job):
    """Something to do that nobody waits for."""

    work: Callable[[], Any] = field(kw_only=True)


@define(eq=False, repr=False)
class PostgresStore:
    """A ``Storage`` that any number of front ends can use at the same time.

    It is there at once, also while the database is away: what is asked of it then fails with
    StoreUnavailable.

    Args:
        url: of the database.
        wanted: how long messages are to be kept, and how many.
        reactor: Twisted's reactor.
        on_refused: called when it turns out that this front end cannot use the database at all.

    """

    _url: str
    _wanted: Wanted
    _reactor: Any
    _on_refused: Callable[[StartError], object] = field(kw_only=True)
    retention: Retention = field(factory=Retention, init=False)
    """What the database says, once it was asked."""
    notices: Notices = field(init=False)
    is_prepared: bool = field(default=False, init=False)
    """Whether the database was asked."""
    _refusal: StartError | None = field(default=None, init=False)
    """Why the database cannot be used at all."""
    _preparing: Lock = field(factory=Lock, init=False)
    _links: list[DatabaseLink] = field(factory=list, init=False)
    _watchdog: LinkWatchdog = field(init=False)
    _room: SharedRoom = field(init=False)
    _appender: Appender = field(init=False)
    _keeper: DatabaseLink = field(init=False)
    _asked: AskedPlaces = field(factory=AskedPlaces, init=False)
    _writing: JobThread[_Posting] = field(init=False)
    _keeping: JobThread[_Asking] = field(init=False)
    _posting: TurnGroups[_Posting] = field(init=False)
    _reading: ReaderThreads = field(init=False)
    _closed: "Deferred[None] | None" = field(default=None, init=False)
    _outages: dict[str, Outages] = field(init=False)
    """For each kind of what is done."""

    @_outages.default
    def _make_outages(self) -> dict[str, Outages]:
        serving = Outages("The database cannot be used")
        return {
            _READING: serving,
            _STORING: serving,
            _KEEPING: Outages("Old messages cannot be deleted from the database"),
        }

    def __attrs_post_init__(self) -> None:
        self._room = SharedRoom(self.retention)
        self._appender = Appender(self._link(), self._room, lambda: self.retention)
        self._keeper = self._link()
        self._writing = JobThread(
            self._append, self._reactor, name="drop-store-posts", group_size=GROUP_SIZE
        )
        self._keeping = JobThread(self._keep, self._reactor, name="drop-store-upkeep", group_size=1)
        self._posting = TurnGroups(lambda: self._writing, self._reactor)
        self._reading = ReaderThreads(
            [self._reader() for _ in range(LOOKERS)],
            [self._reader() for _ in range(READERS)],
            self._reactor,
            on_failure=lambda error: self._unavailable(_READING, error),
            on_success=lambda: self._outages[_READING].succeeded(_READING),
        )
        self.notices = Notices(self._url, self._reactor)
        self._watchdog = LinkWatchdog([*self._links, *self.notices.links])

    def append(self, post: Post) -> "Deferred[int]":
        """Store a message; fires with its stamp once it is on the disk."""
        return self._ask(self._posting, _Posting(post=post))

    def open(
        self, drop_id: str, since: Since | None, limit: int
    ) -> "Deferred[tuple[Selection, list[Row]] | None]":
        """Select the messages of a drop, and read the first of them; see ``Storage.open``."""
        if self._closed is not None:
            return _too_late()
        return self._reading.open(Opening(drop_id, since, limit))

    def read(
        self, drop_id: str, after: int, newest: int, limit: int, make: Callable[[list[Row]], T]
    ) -> "Deferred[T]":
        """Read up to ``limit`` messages with ``after < stamp <= newest``; see ``Storage.read``."""
        return self._read(lambda reader: make(reader.read(drop_id, after, newest, limit)))

    def latest(self, drop_id: str) -> "Deferred[int]":
        """Return the greatest stamp ever issued in a drop, 0 if there is none."""
        return self._read(lambda reader: reader.latest(drop_id))

    def newer(self, after: dict[bytes, int], limit: int) -> "Deferred[list[Pushed]]":
        """Return messages that are newer than a stamp for each drop; see ``MessageReader``."""
        return self._read(lambda reader: reader.newer(after, limit))

    def usage(self) -> "Deferred[Usage]":
        """Return what the messages take."""
        return self._read(lambda reader: read_usage(reader.link, self.retention.quota))

    def expire(self) -> "Deferred[int]":
        """Do what is due in the database, unless another front end does; fires with 0."""
        return self._ask(self._keeping, _Asking(work=self._keep_up))

    def note_asked(self, drop_ids: Iterable[str]) -> "Deferred[None]":
        """Note that somebody asks for drops; to open one notes it, too."""
        self._asked.note(map(hash_drop_id, drop_ids))
        return succeed(None)

    def keep_asked(self) -> "Deferred[bool]":
        """Write down some of what was noted; fires with whether there is more."""
        return self._ask(self._keeping, _Asking(work=lambda: self._asked.store(self._keeper)))

    def purge(self, purge: MessagePurge) -> "Deferred[MessagePurge]":
        """Do a step of a purge."""

        def step() -> MessagePurge:
            while self._asked.store(self._keeper):
                pass
            purge_step(self._keeper, purge)
            return purge

        return self._ask(self._keeping, _Asking(work=step))

    def forget_deleted(self) -> "Deferred[None]":
        """Do nothing: partitions are deleted with all that is in them."""
        return succeed(None)

    def close(self) -> "Deferred[None]":
        """Finish what was asked for before, then close; fires when that is done."""
        if self._closed is None:
            self._posting.flush()
            self._closed = Deferred()
            done = gatherResults([self._keeping.end(), self._writing.end(), self._reading.end()])
            # Only then all is stored that others have to be told.
            done.addBoth(lambda _: self.notices.close()).addBoth(self._close)
        return self._closed

    def _close(self, _: object) -> None:
        self._watchdog.end()
        for link in self._links:
            link.close()
        if self._closed is not None:
            self._closed.callback(None)

    def _read(self, what: Callable[[MessageReader], Any]) -> "Deferred[Any]":
        return _too_late() if self._closed is not None else self._reading.read(what)

    def _ask(self, thread: Worker[J] | TurnGroups[J], job: J) -> "Deferred[Any]":
        if self._closed is not None:
            return _too_late()
        thread.submit(job)
        return job.done

    def _reader(self) -> MessageReader:
        return MessageReader(self._link(), lambda: self.retention, self._asked)

    def _link(self) -> DatabaseLink:
        made = DatabaseLink(self._url, self._prepare)
        self._links.append(made)
        return made

    # On the threads

    def _prepare(self, connection: "psycopg.Connection[Any]") -> None:
        """Find out, with the first connection, whether the database can be used."""
        with self._preparing:
            if self.is_prepared:
                return
            if self._refusal is None:
                try:
                    bring_up_to_date(connection)
                    self.retention = agree(connection, VERSION, self._wanted)
                except StartError as error:
                    self._refusal = error
                    self._reactor.callFromThread(self._on_refused, error)
            if self._refusal is not None:
                raise DatabaseAway(str(self._refusal))
            self.is_prepared = True

    def _append(self, jobs: list[_Posting]) -> None:
        try:
            outcomes = self._appender.append([job.post for job in jobs])
        except Exception as error:  # noqa: BLE001 - whatever it is, the thread goes on
            unavailable = self._unavailable(_STORING, error)
            for job in jobs:
                job.fail(unavailable)
            return
        for job, outcome in zip(jobs, outcomes, strict=True):
            if isinstance(outcome, Full):
                job.fail(NoRoom(outcome))
            elif isinstance(outcome, DatabaseAway):
                job.fail(self._unavailable(_STORING, outcome))
            else:
                job.result = outcome
        if not any(isinstance(outcome, DatabaseAway) for outcome in outcomes):
            self._outages[_STORING].succeeded(_STORING)
        self.notices.announce({job.post.place for job in jobs if isinstance(job.result, int)})

    def _keep(self, jobs: list[_Asking]) -> None:
        for job in jobs:
            try:
                job.result = job.work()
            except Exception as error:  # noqa: BLE001 - whatever it is, the thread goes on
                job.fail(self._unavailable(_KEEPING, error))
            else:
                self._outages[_KEEPING].succeeded(_KEEPING)

    def _keep_up(self) -> int:
        with self._keeper.use() as connection:
            self.retention = read_retention(connection) or self.retention
        keep_up(self._keeper, self.retention, lambda: self._closed is not None)
        return 0

    def _unavailable(self, kind: str, error: Exception) -> StoreUnavailable:
        if self._refusal is None:
            self._outages[kind].failed(kind, error)
        return DatabaseAway("the database cannot be used")


def _too_late() -> "Deferred[Any]":
    return fail(StoreUnavailable("the store is closed"))
