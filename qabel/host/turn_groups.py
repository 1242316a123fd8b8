"""Jobs of one turn of the reactor, passed to a thread together. Nothing here knows Qabel.

Each time that a thread is woken for a single job, it and the reactor take the interpreter from each
other, which costs both more than many jobs do.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

import attrs
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from qabel.host.job_thread import Job, Worker

J = TypeVar("J", bound=Job)

SIZE = 32
"""Jobs of one turn that are not collected any further, unless it is said otherwise."""


@attrs.define(eq=False)
class TurnGroups(Generic[J]):
    """Collects jobs until the end of the reactor's turn, or until there are many.

    Args:
        choose: returns the worker that gets the next group.
        reactor: whose turns they are.
        size: jobs that are passed on without waiting for the end of the turn.

    """

    _choose: Callable[[], Worker[J]]
    _reactor: IReactorTime
    _size: int = attrs.field(default=SIZE, kw_only=True)
    _jobs: list[J] = attrs.field(factory=list, init=False)
    _end_of_turn: IDelayedCall | None = attrs.field(default=None, init=False)

    def submit(self, job: J, /) -> None:
        """Pass the job to a worker, at the end of this turn at the latest."""
        self._jobs.append(job)
        if len(self._jobs) >= self._size:
            self._pass_on()
        elif self._end_of_turn is None:
            self._end_of_turn = self._reactor.callLater(0, self._end_turn)

    def flush(self) -> None:
        """Pass on what there is, without waiting for the end of the turn."""
        if self._end_of_turn is not None:
            self._end_of_turn.cancel()
            self._end_turn()

    def _end_turn(self) -> None:
        self._end_of_turn = None
        self._pass_on()

    def _pass_on(self) -> None:
        jobs, self._jobs = self._jobs, []
        if jobs:
            worker = self._choose()
            for job in jobs:
                worker.submit(job)
