"""Jobs of one turn: passed on together, in order, and none is kept back."""

from attrs import define, field
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from qabel.host.job_thread import Job
from qabel.host.turn_groups import TurnGroups


@define
class Noting:
    """A worker that notes what it gets."""

    jobs: list[Job] = field(factory=list)

    def submit(self, job: Job, /) -> None:
        """Note the job."""
        self.jobs.append(job)

    def end(self) -> "Deferred[None]":
        """Do nothing."""
        return succeed(None)


def test_each_turn_is_a_group_for_the_next_worker() -> None:
    """What comes in one turn is passed on at its end, in order, to one worker."""
    clock, workers = Clock(), [Noting(), Noting()]
    turns = iter(workers)
    groups: TurnGroups[Job] = TurnGroups(lambda: next(turns), clock, size=10)
    jobs = [Job() for _ in range(5)]
    for each in jobs[:3]:
        groups.submit(each)
    assert workers[0].jobs == []
    clock.advance(0)
    for each in jobs[3:]:
        groups.submit(each)
    clock.advance(0)
    assert [each.jobs for each in workers] == [jobs[:3], jobs[3:]]
    assert clock.getDelayedCalls() == []


def test_many_do_not_wait() -> None:
    """A full group is passed on at once, and the rest at the end of the turn."""
    clock, worker = Clock(), Noting()
    groups: TurnGroups[Job] = TurnGroups(lambda: worker, clock, size=2)
    jobs = [Job() for _ in range(5)]
    for each in jobs:
        groups.submit(each)
    assert worker.jobs == jobs[:4]
    clock.advance(0)
    assert worker.jobs == jobs


def test_flushing() -> None:
    """Nothing is passed on twice, and there may be nothing."""
    clock, worker = Clock(), Noting()
    groups: TurnGroups[Job] = TurnGroups(lambda: worker, clock, size=10)
    groups.flush()
    job = Job()
    groups.submit(job)
    groups.flush()
    clock.advance(0)
    assert worker.jobs == [job]
    assert clock.getDelayedCalls() == []
