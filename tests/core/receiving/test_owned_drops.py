"""Owned drops: whose they are, how far they were read, and when to read them in full."""

from collections.abc import Sequence

import pytest
from attrs import define, field
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from qabel.core.random_delays import exponential
from qabel.core.receiving.drop_progress import DropProgress, encode_progress
from qabel.core.receiving.full_readings import OwnedDrop
from qabel.core.receiving.owned_drops import (
    LONGEST_PAUSE,
    REPEAT_PAUSE,
    SHORTEST_PAUSE,
    OwnedDrops,
)
from qabel.core.receiving.poll_times import HEARSAY
from qabel.deferreds import result_of
from qabel.drop.multipart import Part
from qabel.drop.transport import Opened, seal_message
from qabel.drop.url import DropURL
from qabel.settings.items import Identity
from qabel.store.inbox.seen import Drop, DropState
from tests.core.items import drop, identity, key

NOW = 1_800_000_000.0
INTERVAL = 3600.0


@define
class States:
    """How far drops were read, in memory; a drop with other owners begins anew."""

    kept: dict[Drop, DropState] = field(factory=dict)
    loads: int = 0

    def start_reading(self, drop: Drop) -> "Deferred[DropState]":
        """Return how far a drop was read for these owners."""
        self.loads += 1
        return succeed(self.kept.get(drop, DropState()))

    def forget_another_drop(self, kept: Sequence[str]) -> "Deferred[bool]":
        """Forget one drop; fires with whether there was one."""
        for each in self.kept:
            if each.url not in kept:
                del self.kept[each]
                return succeed(True)
        return succeed(False)


@define(eq=False)
class Desk:
    """Owned drops on a clock, at some time of day."""

    states: States = field(factory=States)
    clock: Clock = field(factory=Clock)
    drops: OwnedDrops = field(init=False)
    drawn: float = 0.0

    def __attrs_post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin with nothing in memory."""
        self.drops = OwnedDrops(
            self.states,
            clock=self.clock,
            now=lambda: NOW + self.clock.seconds(),
            full_read_interval=INTERVAL,
            draw=lambda: self.drawn,
        )

    def own(self, owners: dict[int, list[Identity]]) -> None:
        """Set who owns which drops."""
        self.drops.set_owners({drop(number): each for number, each in owners.items()})

    def find(self, number: int = 1) -> OwnedDrop:
        """Find a drop that somebody owns."""
        found = self.look(drop(number))
        assert found is not None
        return found

    def look(self, url: DropURL) -> OwnedDrop | None:
        """Find a drop, or nothing."""
        return result_of(Deferred.fromCoroutine(self.drops.find(url)))

    def forget_another(self) -> bool:
        """Forget one drop."""
        return result_of(Deferred.fromCoroutine(self.drops.forget_another()))


@pytest.fixture
def desk() -> Desk:
    """Return owned drops, of which the first belongs to the first identity."""
    made = Desk()
    made.own({1: [identity(1)]})
    return made


def opens(found: OwnedDrop, recipient: int) -> bool:
    """Return whether messages to somebody are opened in a drop."""
    text = b'{"version":1,"time_stamp":1,"sender":"%b","data":{},"model_object":"x"}'
    sealed = seal_message(key(9), key(recipient).public_key, text % key(9).public_key.hex.encode())
    [verdict] = found.opener.open_all([Part(sealed).body])
    return isinstance(verdict, Opened)


def test_drops_of_nobody_are_not_found(desk: Desk) -> None:
    """Only a drop that somebody owns is read."""
    assert desk.look(drop(2)) is None
    desk.own({1: []})
    assert desk.look(drop(1)) is None
    assert desk.states.loads == 0


def test_a_drop_opens_what_is_for_its_owners(desk: Desk) -> None:
    """A drop that several share opens messages to each of them, and to nobody else."""
    desk.own({1: [identity(1), identity(2)]})
    found = desk.find()
    assert [opens(found, number) for number in (1, 2, 3)] == [True, True, False]


def test_the_state_is_loaded_once(desk: Desk) -> None:
    """How far a drop was read is loaded when it is first read, and remembered."""
    assert desk.find() is desk.find()
    assert desk.states.loads == 1


def test_the_cursor_goes_on_after_a_restart(desk: Desk) -> None:
    """A drop goes on from the cursor that was kept."""
    desk.states.kept[desk.find().drop] = DropState("cursor", 0, int(NOW * 1000))
    desk.restart()
    desk.own({1: [identity(1)]})
    assert desk.find().cursor == "cursor"


def test_other_owners_begin_anew(desk: Desk) -> None:
    """With another owner a drop is another one: what was foreign in it may be ours now."""
    before = desk.find()
    desk.states.kept[before.drop] = DropState("cursor")
    desk.own({1: [identity(1), identity(2)]})
    after = desk.find()
    assert after.drop != before.drop
    assert after.cursor is None
    assert opens(after, 2)


def test_the_order_of_owners_does_not_matter(desk: Desk) -> None:
    """The same owners in another order are the same, so that nothing is read again."""
    desk.own({1: [identity(1), identity(2)]})
    before = desk.find()
    desk.own({1: [identity(2), identity(1)]})
    assert desk.find() is before


def test_a_new_drop_is_read_in_full_at_once(desk: Desk) -> None:
    """A drop that was never read is due for a full reading."""
    desk.clock.advance(50)
    assert desk.find().full_due == 50


@pytest.mark.parametrize(
    ("ago", "due_in"),
    [(600, INTERVAL - 600), (INTERVAL, 0), (10 * INTERVAL, 0), (-600, INTERVAL), (-1e9, INTERVAL)],
)
def test_the_next_full_reading(desk: Desk, ago: float, due_in: float) -> None:
    """It is due an interval after the last, and never later, whatever the time of day did."""
    started = encode_progress(DropProgress(after_start=int(NOW * 1000)))
    state = DropState("cursor", 0, int((NOW - ago) * 1000), started)
    desk.states.kept[desk.find().drop] = state
    desk.restart()
    desk.own({1: [identity(1)]})
    assert desk.find().full_due == due_in


def test_after_a_full_reading_there_is_a_while(desk: Desk) -> None:
    """A drop that was read in full is due an interval later."""
    found = desk.find()
    desk.clock.advance(70)
    desk.drops.schedule.succeeded(found, found=True, since="1")
    assert found.full_due == 70 + INTERVAL


def test_a_full_reading_that_was_asked_for(desk: Desk) -> None:
    """It is due at once, and one that had begun before does not count."""
    found = desk.find()
    desk.drops.schedule.succeeded(found, found=True, since="1")
    asked = found.asked
    desk.clock.advance(70)
    desk.drops.read_in_full([str(drop(2))])
    assert found.full_due == INTERVAL
    desk.drops.read_in_full([str(drop(1))])
    assert (found.full_due, found.asked) == (70, asked + 1)


def test_several_drops_are_not_read_in_full_together(desk: Desk) -> None:
    """Each of them gets a time of its own, which whoever polls it is told."""
    told: dict[DropURL, float] = {}
    desk.drops.on_due = told.__setitem__
    desk.own({1: [identity(1)], 2: [identity(2)]})
    for number in (1, 2):
        desk.drops.schedule.succeeded(desk.find(number), found=True, since="1")
    draws = iter((0.5, 0.75))
    desk.drops._draw = lambda: next(draws)
    desk.drops.read_in_full([str(drop(1)), str(drop(2))])
    dues = [desk.find(number).full_due for number in (1, 2)]
    assert dues == [exponential(HEARSAY, iter((each,)).__next__) for each in (0.5, 0.75)]
    assert list(told.values()) == dues


def test_when_a_drop_is_to_be_read_though_nothing_is_reported(desk: Desk) -> None:
    """When a full reading is due, or at once if its last response was not read to the end."""
    assert desk.drops.due(drop(1)) is None
    found = desk.find()
    desk.drops.schedule.succeeded(found, found=True, since="1")
    assert desk.drops.due(drop(1)) == INTERVAL
    found.is_news_put_off, found.news_from = True, 60.0
    assert desk.drops.due(drop(1)) == 60.0
    found.progress.news.doublings = 1
    assert desk.drops.due(drop(1)) == 0.0


def test_what_is_shared_by_chance(desk: Desk) -> None:
    """A drop whose id has few random bits is known as shared."""
    shared = DropURL.on_server("http://drop.example", bits=20)
    desk.drops.set_owners({drop(1): [identity(1)], shared: [identity(1)]})
    found = desk.look(shared)
    assert found is not None
    assert found.is_shared
    assert not desk.find().is_shared


@pytest.mark.parametrize(
    ("seconds", "pause"), [(0.01, SHORTEST_PAUSE), (1, REPEAT_PAUSE), (500, LONGEST_PAUSE)]
)
def test_full_readings_are_not_repeated_at_will(desk: Desk, seconds: float, pause: float) -> None:
    """The longer one took, the later the next may be asked for, within limits."""
    found, urls = desk.find(), [str(drop(1))]
    assert desk.drops.repeatable() == urls
    desk.drops.ended_full_read(found, seconds)
    desk.clock.advance(pause - 0.1)
    assert desk.drops.repeatable() == []
    desk.clock.advance(0.2)
    assert desk.drops.repeatable() == urls


def test_a_drop_given_up_and_taken_again(desk: Desk) -> None:
    """A drop that nobody owned for a while is loaded again, not remembered."""
    before = desk.find()
    desk.own({})
    assert desk.look(drop(1)) is None
    desk.own({1: [identity(1)]})
    assert desk.find() is not before
    assert desk.states.loads == 2


def test_drops_of_nobody_are_forgotten(desk: Desk) -> None:
    """One after another, drops that nobody owns any more are forgotten, and others are not."""
    for number in range(1, 4):
        desk.states.kept[Drop(str(drop(number)), "owners")] = DropState()
    assert [desk.forget_another() for _ in range(3)] == [True, True, False]
    assert [each.url for each in desk.states.kept] == [str(drop(1))]


def test_keys_are_not_shown(desk: Desk) -> None:
    """The repr of a drop shows nothing of what opens it."""
    assert "Opener" not in repr(desk.find())
