"""Turns: which acknowledgements may be sent now, over any restarts, and what follows attempts."""

from typing import Any

import pytest
from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st

from qabel.deferreds import result_of
from qabel.store.database.connection import Connection, connect
from qabel.store.database.database import Database
from qabel.store.database.schema import migrations, upgrade
from qabel.store.outbox import acknowledgement_turns as turns
from qabel.store.outbox import acknowledgements as waiting
from qabel.store.outbox import time_stamps
from qabel.store.outbox.acknowledgement_turns import (
    AT_ONCE,
    LONGEST_PAUSE,
    TAKEN_FOR,
    Begun,
    DueAcknowledgement,
)
from qabel.store.outbox.acknowledgements import BURST, INTERVAL, MOST_WAITING
from tests.store.conftest import Things

ME = b"\x4e" * 32


@define(eq=False)
class Desk:
    """Sends what may be sent, at the times of the test."""

    database: Database
    things: Things
    now: int = 0
    under_way: dict[int, int] = field(factory=dict)
    stamps: int = 0

    def run(self, work: Any) -> Any:
        """Return the result of a transaction."""
        return result_of(self.database.run(work))

    def add(self, *delays: int, contact: int = 1) -> None:
        """Add some for a contact, each with a delay."""
        new = [self.things.acknowledgement(contact, since=self.now, delay=each) for each in delays]
        self.run(lambda connection: waiting.insert(connection, new))

    def stamp(self, identity: bytes) -> int:
        """Return the next time stamp."""
        self.stamps += 1
        return self.stamps

    def begin(self, limit: int = 100) -> Begun:
        """Begin what may be sent."""
        turn: Begun = self.run(
            lambda connection: turns.begin(
                connection, self.now, limit, self.stamp, dict(self.under_way)
            )
        )
        self.under_way |= {each.id: each.pair_id for each in turn.due}
        return turn

    def end(self, each: DueAcknowledgement, work: Any) -> None:
        """End an attempt."""
        self.under_way.pop(each.id)
        self.run(work)

    def send_all(self) -> int:
        """Send what may be sent now, and return how many that were."""
        count = 0
        while due := self.begin().due:
            for each in due:
                self.end(each, lambda connection, each=each: turns.sent(connection, each))
                count += 1
        return count

    def dues(self) -> list[int]:
        """Return when each that waits is due."""
        found = self.run(lambda c: c.execute("SELECT due FROM acknowledgements ORDER BY id"))
        return [row[0] for row in found.fetchall()]


@pytest.fixture
def desk(database: Database, things: Things) -> Desk:
    """Return a desk with an empty database."""
    return Desk(database, things)


def test_each_has_its_time(desk: Desk) -> None:
    """What is due is begun, in the order of its times; the rest is known to come."""
    desk.add(30, 10, 20, 500)
    assert desk.begin() == Begun((), 10)
    desk.now = 25
    turn = desk.begin()
    assert [each.acknowledge_id for each in turn.due] == ["id 2", "id 3"]
    assert (turn.due[0].identity, turn.due[0].contact) == (ME, b"\x01" * 32)
    assert turn.next == 30
    assert "id 2" not in repr(turn)


def test_what_is_begun_uses_up_a_time_stamp(desk: Desk) -> None:
    """The time stamp is noted before anything is sent, and each has one of its own."""
    desk.add(0, 0)
    assert [each.time_stamp for each in desk.begin().due] == [1, 2]
    assert desk.run(time_stamps.load) == {ME: 2}


def test_a_contact_gets_some_at_once_and_then_one_after_another(desk: Desk) -> None:
    """After so many at once there is one at each interval; other contacts have their own."""
    desk.add(*[0] * (BURST + 3))
    desk.add(0, contact=2)
    assert desk.send_all() == BURST + 1
    assert desk.begin().next == INTERVAL
    desk.now = INTERVAL - 1
    assert desk.send_all() == 0
    desk.now = INTERVAL
    assert desk.send_all() == 1
    desk.now = 3 * INTERVAL
    assert desk.send_all() == 2


def test_only_a_few_are_on_their_way(desk: Desk) -> None:
    """Few are sent to one contact at the same time, and others do not wait for that."""
    desk.add(*[0] * 10)
    desk.add(0, contact=2)
    first = desk.begin()
    assert len(first.due) == AT_ONCE + 1
    assert desk.begin().due == ()
    desk.end(first.due[0], lambda connection: turns.sent(connection, first.due[0]))
    assert len(desk.begin().due) == 1


def test_a_limit_for_all(desk: Desk) -> None:
    """No more are begun than the caller has room for, and the rest stays due."""
    for number in range(1, 6):
        desk.add(0, contact=number)
    assert len(desk.begin(3).due) == 3
    assert len(desk.begin(3).due) == 2


def test_nothing_is_sent_twice_while_it_takes_long(desk: Desk) -> None:
    """What is on its way is not begun again, also not after its time was drawn again."""
    desk.add(0)
    desk.begin()
    desk.now = 2 * TAKEN_FOR
    turn = desk.begin()
    assert turn == Begun((), desk.now + TAKEN_FOR)
    desk.run(lambda connection: turns.redraw(connection, desk.now, lambda: 0))
    assert desk.begin().due == ()


def test_after_a_kill_it_is_sent_again(desk: Desk) -> None:
    """What was on its way when the daemon was killed waits for a draw, and not for long."""
    desk.add(0)
    desk.begin()
    desk.under_way.clear()
    desk.now = 1_000
    desk.run(lambda connection: turns.redraw(connection, desk.now, lambda: 70))
    assert desk.begin() == Begun((), 1_070)
    desk.now = 1_070
    assert len(desk.begin().due) == 1


def test_a_failure_moves_all_that_would_follow(desk: Desk) -> None:
    """During a pause nothing is sent to the contact, and after it each has a time of its own."""
    desk.add(0, 100, 9_000)
    [due] = desk.begin().due
    draws = iter((7, 3))
    desk.end(due, lambda c: turns.failed(c, due, 50, 1_000, lambda: next(draws)))
    assert desk.dues() == [1_057, 1_053, 9_000]
    desk.now = 1_053
    [again] = desk.begin().due
    assert (again.failures, again.acknowledge_id) == (1, "id 2")
    assert again.time_stamp > due.time_stamp
    desk.end(again, lambda c: turns.sent(c, again))
    desk.now = 1_057
    assert [each.failures for each in desk.begin().due] == [0]


def test_pauses_are_bounded(desk: Desk) -> None:
    """No server has anything wait for longer than an hour and its draw."""
    desk.add(0)
    [due] = desk.begin().due
    desk.end(due, lambda c: turns.failed(c, due, 0, 10**12, lambda: 5))
    assert desk.dues() == [LONGEST_PAUSE + 5]


def test_a_refusal(desk: Desk) -> None:
    """What was refused for good is tried again after a draw, or given up and counted."""
    desk.add(0)
    [due] = desk.begin().due
    desk.end(due, lambda c: turns.refused(c, due, 10, lambda: 5))
    desk.now = 15
    [again] = desk.begin().due
    assert again.refusals == 1
    desk.end(again, lambda c: turns.refused(c, again, 20, None))
    counts = desk.run(waiting.counts)
    assert (counts.waiting, counts.given_up) == (0, 1)


def test_what_nobody_is_to_get(desk: Desk) -> None:
    """It is deleted, and does not count as given up."""
    desk.add(0, 50)
    [due] = desk.begin().due
    desk.end(due, lambda c: turns.dropped(c, due))
    counts = desk.run(waiting.counts)
    assert (counts.waiting, counts.given_up) == (1, 0)
    assert desk.begin().next == 50


def test_what_was_deleted_meanwhile_stays_so(desk: Desk) -> None:
    """No end of an attempt brings anything back of an identity that was purged, nor a stamp."""
    desk.add(0)
    [due] = desk.begin().due
    desk.run(lambda connection: waiting.forget_identity(connection, ME))
    for end in (
        lambda c: turns.sent(c, due),
        lambda c: turns.failed(c, due, 0, 5, lambda: 1),
        lambda c: turns.refused(c, due, 0, lambda: 1),
    ):
        desk.run(end)
    assert desk.run(lambda c: c.execute("SELECT * FROM acknowledgement_pairs").fetchall()) == []
    assert desk.dues() == []


def test_a_start_moves_each_from_its_own_time(desk: Desk) -> None:
    """At a start each is due at its time, or now if that is past, and a draw later.

    Another start moves it from there again: who starts often does not put it off for ever.
    """
    desk.add(100, 900)
    desk.now = 500
    draws = iter((7, 3, 1, 2))
    for expected in ([507, 903], [501, 902]):
        desk.run(lambda connection: turns.redraw(connection, 500, lambda: next(draws)))
        assert desk.dues() == expected


def test_a_clock_that_was_set_back(desk: Desk) -> None:
    """What was drawn by a clock that was ahead waits for its delay at most, and so do buckets."""
    desk.now = 10**12
    desk.add(*[600] * 4)
    desk.begin()
    desk.under_way.clear()
    desk.now = 0
    desk.run(lambda connection: turns.redraw(connection, 0, lambda: 5))
    assert desk.dues() == [605] * 4
    desk.now = BURST * INTERVAL + 605
    assert desk.send_all() == 4


Steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(0, 200)),
        st.tuples(st.just("wait"), st.integers(0, 40_000)),
        st.tuples(st.just("restart"), st.integers(0, 5_000)),
        st.tuples(st.just("send"), st.just(0)),
    ),
    max_size=30,
)


@define(eq=False)
class Days:
    """What happens to the acknowledgements for one contact, over restarts."""

    connection: Connection
    things: Things = field(factory=Things)
    now: int = 10_000
    sent: list[int] = field(factory=list)
    under_way: dict[int, int] = field(factory=dict)

    def add(self, count: int) -> None:
        """Receive messages."""
        new = [
            self.things.acknowledgement(since=self.now, delay=each % 7_000) for each in range(count)
        ]
        waiting.insert(self.connection, new)

    def wait(self, milliseconds: int) -> None:
        """Let time pass."""
        self.now += milliseconds

    def restart(self, draw: int) -> None:
        """Lose what is on its way, and draw times; nothing may be sent at the start itself."""
        self.under_way.clear()
        turns.redraw(self.connection, self.now, lambda: draw + 1)
        assert turns.begin(self.connection, self.now, 9, lambda _: 1, {}).due == ()

    def send(self, _: int) -> None:
        """Send what may be sent; of some it is not known what became of them."""
        while due := turns.begin(
            self.connection, self.now, 9, lambda _: 1, dict(self.under_way)
        ).due:
            for each in due:
                self.sent.append(self.now)
                if len(self.sent) % 5:
                    turns.sent(self.connection, each)
                else:
                    self.under_way[each.id] = each.pair_id


@settings(deadline=None, max_examples=60)
@given(steps=Steps)
def test_no_restart_refills_a_bucket(tmp_path_factory: Any, steps: list[tuple[str, int]]) -> None:
    """In no span of time does a contact get more than the burst, and one for each interval in it.

    A restart loses what is on its way, and moves what waits: nothing is sent at the start itself.
    """
    path = tmp_path_factory.mktemp("bucket") / "qabel.db"
    path.touch()
    connection = connect(path, bytes(32))
    upgrade(connection, migrations())
    connection.execute("BEGIN")
    days = Days(connection)
    for what, number in steps:
        getattr(days, what)(number)
    for first, start in enumerate(days.sent):
        for count, end in enumerate(days.sent[first:], 1):
            assert count <= BURST + (end - start) / INTERVAL
    assert waiting.counts(connection).waiting <= MOST_WAITING
    connection.close()
