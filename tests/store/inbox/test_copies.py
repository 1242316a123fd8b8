"""Copies of messages: shown as often as the drop that holds one most often holds it."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qabel.store.database.database import Database
from qabel.store.inbox import copies
from qabel.store.inbox.copies import KEEP_DAYS, Copies
from qabel.store.inbox.repository import InboxRepository
from qabel.store.inbox.seen import Drop

DAY = 24 * 3600.0
NOW = 20_000 * DAY + 100
FIRST, SECOND = (Drop(f"http://drop.example/{name}", "me") for name in "ab")

SAME = {"time_stamp": 5, "data": b'{"msg":"hello"}'}

Arrive = Callable[..., int]


@pytest.fixture
def inbox(database: Database) -> InboxRepository:
    """Return the inbox of an empty database."""
    return InboxRepository(database)


@pytest.fixture
def arrive(inbox: InboxRepository, things: Any, got: Any) -> Arrive:
    """Return what stores a message from a drop, in a box of its own; it returns how many show."""
    boxes = iter(range(10_000))

    def store(drop: Drop, now: float = NOW, **given: Any) -> int:
        message = things.message(**{"hash": next(boxes).to_bytes(16), **SAME, **given})
        return len(got(inbox.keep(drop, [message], now=now)).messages)

    return store


def test_a_copy_from_another_drop_is_not_shown(arrive: Arrive) -> None:
    """A message that was sealed for each drop of its recipient is shown once."""
    assert [arrive(FIRST), arrive(SECOND), arrive(Drop("http://c", "me"))] == [1, 0, 0]


def test_twice_in_one_drop_is_two_messages(arrive: Arrive) -> None:
    """Who says the same twice is heard twice, even where both come in two drops."""
    assert [arrive(each) for each in (FIRST, FIRST, SECOND, SECOND, SECOND)] == [1, 1, 0, 0, 1]


@pytest.mark.parametrize(
    "other",
    [
        {"time_stamp": 77},
        {"acknowledge_id": "other"},
        {"model_object": "other"},
        {"data": b'{"other":1}'},
        {"sender": b"\x55" * 32},
        {"receiver": b"\x66" * 32},
    ],
)
def test_what_differs_is_no_copy(arrive: Arrive, other: dict[str, Any]) -> None:
    """Each of sender, receiver, time stamp, acknowledge id, type and data makes another message."""
    assert [arrive(FIRST), arrive(SECOND, **other)] == [1, 1]


def test_where_one_part_ends_counts(arrive: Arrive) -> None:
    """What moves from one text to the next makes another message."""
    assert arrive(FIRST, acknowledge_id="ab", model_object="c")
    assert arrive(SECOND, acknowledge_id="a", model_object="bc")


def test_copies_are_recognized_for_a_week(arrive: Arrive, inbox: InboxRepository, got: Any) -> None:
    """A copy that comes later than that is a message, and nothing is kept for it until then."""
    assert arrive(FIRST) == 1
    late = NOW + KEEP_DAYS * DAY
    assert got(inbox.forget_copies(now=late)) is False
    assert arrive(SECOND, late) == 0
    assert arrive(Drop("http://c", "me"), late + (KEEP_DAYS + 1) * DAY) == 1


def test_what_is_old_is_forgotten(
    arrive: Arrive, inbox: InboxRepository, got: Any, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Digests go after a week, some with each transaction."""
    monkeypatch.setattr(copies, "FORGET_AT_ONCE", 1)
    arrive(FIRST)
    arrive(FIRST, time_stamp=78)
    later = NOW + (KEEP_DAYS + 1) * DAY
    assert [got(inbox.forget_copies(now=later)) for _ in range(3)] == [True, True, False]
    assert rows("SELECT * FROM copies") == []


def test_a_copy_of_a_deleted_message(arrive: Arrive, inbox: InboxRepository, got: Any) -> None:
    """A copy is not shown, though the message was deleted before the copy was found."""
    arrive(FIRST)
    assert got(inbox.delete(1, now=1.0))
    assert arrive(SECOND) == 0


def test_a_copy_is_not_acknowledged(inbox: InboxRepository, things: Any, got: Any) -> None:
    """A message is acknowledged as often as it is shown, also if both come at once."""
    both = [
        things.message(hash=bytes([number]) * 16, acknowledgement=things.acknowledgement(), **SAME)
        for number in range(2)
    ]
    kept = [
        got(inbox.keep(drop, both[n : n + 1], now=NOW)) for n, drop in enumerate((FIRST, SECOND))
    ]
    assert [each.acknowledgements for each in kept] == [1, 0]


def test_what_is_kept_tells_nothing(arrive: Arrive, rows: Any) -> None:
    """Neither drop nor people nor content are in what is kept, and another database has others."""
    arrive(FIRST)
    [(digest, place, _, receiver, count)] = rows("SELECT * FROM copies")
    assert (len(digest), len(place), len(receiver), count) == (16, 8, 8, 1)
    [(key,)] = rows("SELECT copies_key FROM state")
    assert len(key) == 32


def test_an_identity_that_is_purged(
    arrive: Arrive, things: Any, database: Database, got: Any, rows: Any
) -> None:
    """Nothing is kept of the messages of an identity that was purged; of others it stays."""
    arrive(FIRST)
    arrive(FIRST, receiver=b"\x66" * 32)
    receiver = things.message().receiver
    got(database.run(lambda connection: copies.forget_receiver(connection, receiver)))
    assert len(rows("SELECT * FROM copies")) == 1


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1)), max_size=30))
def test_shown_as_often_as_the_fullest_drop_holds_it(
    database: Database, things: Any, got: Any, arrivals: list[tuple[int, int]]
) -> None:
    """In whatever order messages come from which drops, that is how often each is shown."""

    def work(connection: Any) -> Counter[int]:
        connection.execute("DELETE FROM copies")
        shown: Counter[int] = Counter()
        for drop, which in arrivals:
            found = Copies(connection, f"http://drop.example/{drop}", int(NOW * 1000))
            shown[which] += not found.is_copy(things.message(**{**SAME, "time_stamp": which}))
        return shown

    shown = got(database.run(work))
    held = Counter(arrivals)
    assert +shown == +Counter(
        {which: max(held[drop, which] for drop in range(3)) for which in range(2)}
    )
