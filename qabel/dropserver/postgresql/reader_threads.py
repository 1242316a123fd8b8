"""Threads that read from the database, in turns: a slow question holds up none but its own thread.

Questions for the messages of drops that come together are answered together.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, repeat
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred, gatherResults

from qabel.dropserver.postgresql.reading import MessageReader, Opening
from qabel.host.job_thread import Job, JobThread
from qabel.host.turn_groups import TurnGroups

OPENINGS = 32
"""Questions for the messages of drops that are answered together: most are after nothing new."""


@define(eq=False)
class _ReadJob(Job):
    """Something to read: what a drop has, or anything else."""

    what: Opening | Callable[[MessageReader], Any] = field(repr=False, kw_only=True)


@define(eq=False, repr=False)
class ReaderThreads:
    """A thread for each of several readers.

    Args:
        readers: each used by its thread alone.
        reactor: Twisted's reactor.
        on_failure: called on a thread with why something failed; returns what who asked is told.
        on_success: called on a thread when something was read.

    """

    _readers: Sequence[MessageReader]
    _reactor: Any
    _on_failure: Callable[[Exception], Exception] = field(kw_only=True)
    _on_success: Callable[[], object] = field(kw_only=True)
    _threads: list[JobThread[_ReadJob]] = field(init=False)
    _turns: "cycle[JobThread[_ReadJob]]" = field(init=False)
    _openings: TurnGroups[_ReadJob] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._threads = [self._start(*each) for each in enumerate(self._readers)]
        self._turns = cycle(self._threads)
        self._openings = TurnGroups(lambda: next(self._turns), self._reactor, size=OPENINGS)

    def open(self, opening: Opening) -> "Deferred[Any]":
        """Answer a question for the messages of a drop; see ``MessageReader.open_all``."""
        job = _ReadJob(what=opening)
        self._openings.submit(job)
        return job.done

    def read(self, what: Callable[[MessageReader], Any]) -> "Deferred[Any]":
        """Have a reader read something; fires with what it returns."""
        job = _ReadJob(what=what)
        next(self._turns).submit(job)
        return job.done

    def end(self) -> "Deferred[Any]":
        """Read what was asked for before, then stop; fires when that is done."""
        self._openings.flush()
        last = [_ReadJob(what=lambda _: None) for _ in self._threads]
        for thread, job in zip(self._threads, last, strict=True):
            thread.submit(job)
            thread.end()
        return gatherResults([job.done for job in last], consumeErrors=True)

    def _start(self, number: int, reader: MessageReader) -> JobThread[_ReadJob]:
        return JobThread(
            lambda jobs: self._answer(reader, jobs),
            self._reactor,
            name=f"drop-store-reads-{number}",
            group_size=OPENINGS,
        )

    # On the threads

    def _answer(self, reader: MessageReader, jobs: list[_ReadJob]) -> None:
        openings = [job.what for job in jobs if isinstance(job.what, Opening)]
        try:
            opened: Iterator[Any] = iter(reader.open_all(openings) if openings else ())
        except Exception as error:  # noqa: BLE001 - whatever it is, the thread goes on
            opened = repeat(error)
        for job in jobs:
            try:
                found = next(opened) if isinstance(job.what, Opening) else job.what(reader)
            except Exception as error:  # noqa: BLE001 - whatever it is, the thread goes on
                found = error
            if isinstance(found, Exception):
                job.fail(self._on_failure(found))
            else:
                job.result = found
                self._on_success()
