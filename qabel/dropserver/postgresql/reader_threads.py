"""Threads that read from the database: some look for news, and others read them.

Questions that come together are looked into together, as most are after nothing new. What is read
takes its time, and holds up none but its own thread.
"""

from collections.abc import Callable, Sequence
from itertools import cycle
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred, gatherResults

from qabel.dropserver.message_values import Opened
from qabel.dropserver.postgresql.reading import MessageReader, News, Opening
from qabel.host.job_thread import Job, JobThread
from qabel.host.turn_groups import TurnGroups

LOOKS = 128
"""Questions that are looked into together at most."""


@define(eq=False)
class _LookJob(Job):
    """A question whether there is anything new."""

    opening: Opening = field(kw_only=True)


@define(eq=False)
class _ReadJob(Job):
    """Something to read."""

    what: Callable[[MessageReader], Any] = field(repr=False, kw_only=True)


@define(eq=False, repr=False)
class ReaderThreads:
    """A thread for each of several readers.

    Args:
        lookers: look for news; each is used by its thread alone.
        readers: read them, likewise.
        reactor: Twisted's reactor.
        on_failure: called on a thread with why something failed; returns what who asked is told.
        on_success: called on a thread when something was read.

    """

    _lookers: Sequence[MessageReader]
    _readers: Sequence[MessageReader]
    _reactor: Any
    _on_failure: Callable[[Exception], Exception] = field(kw_only=True)
    _on_success: Callable[[], object] = field(kw_only=True)
    _looking: list[JobThread[_LookJob]] = field(init=False)
    _reading: list[JobThread[_ReadJob]] = field(init=False)
    _turns: "cycle[JobThread[_ReadJob]]" = field(init=False)
    _looks: TurnGroups[_LookJob] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._looking = [self._start_looking(*each) for each in enumerate(self._lookers)]
        self._reading = [self._start_reading(*each) for each in enumerate(self._readers)]
        looking = cycle(self._looking)
        self._looks = TurnGroups(lambda: next(looking), self._reactor, size=LOOKS)
        self._turns = cycle(self._reading)

    def open(self, opening: Opening) -> "Deferred[Opened | None]":
        """Answer a question for the messages of a drop; see ``MessageReader.open``."""
        job = _LookJob(opening=opening)
        self._looks.submit(job)
        return job.done.addCallback(self._fetch, opening)

    def read(self, what: Callable[[MessageReader], Any]) -> "Deferred[Any]":
        """Have a reader read something; fires with what it returns."""
        job = _ReadJob(what=what)
        next(self._turns).submit(job)
        return job.done

    def end(self) -> "Deferred[Any]":
        """Read what was asked for before, then stop; fires when that is done."""
        self._looks.flush()
        looked = gatherResults([each.end() for each in self._looking])
        # What was found is asked for by then.
        return looked.addCallback(lambda _: gatherResults([each.end() for each in self._reading]))

    def _fetch(self, news: News | None, opening: Opening) -> "Deferred[Opened | None] | None":
        if news is None:
            return None
        return self.read(lambda reader: reader.fetch(opening, news))

    def _start_looking(self, number: int, reader: MessageReader) -> JobThread[_LookJob]:
        return JobThread(
            lambda jobs: self._look(reader, jobs),
            self._reactor,
            name=f"drop-store-looks-{number}",
            group_size=LOOKS,
        )

    def _start_reading(self, number: int, reader: MessageReader) -> JobThread[_ReadJob]:
        return JobThread(
            lambda jobs: self._read(reader, jobs),
            self._reactor,
            name=f"drop-store-reads-{number}",
            group_size=1,
        )

    # On the threads

    def _look(self, reader: MessageReader, jobs: list[_LookJob]) -> None:
        try:
            found = reader.look([job.opening for job in jobs])
        except Exception as error:  # noqa: BLE001 - whatever it is, the thread goes on
            failure = self._on_failure(error)
            for job in jobs:
                job.fail(failure)
            return
        for job, news in zip(jobs, found, strict=True):
            job.result = news
        self._on_success()

    def _read(self, reader: MessageReader, jobs: list[_ReadJob]) -> None:
        for job in jobs:
            try:
                job.result = job.what(reader)
            except Exception as error:  # noqa: BLE001 - whatever it is, the thread goes on
                job.fail(self._on_failure(error))
            else:
                self._on_success()
