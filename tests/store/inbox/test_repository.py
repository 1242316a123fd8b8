"""The inbox: each message once, whatever drop it comes from and however often."""

import json
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from qabel.store.database.database import Database
from qabel.store.inbox.message_rows import Filter
from qabel.store.inbox.repository import (
    FORGET_AT_ONCE,
    EncodedPage,
    Expired,
    InboxRepository,
)
from qabel.store.inbox.seen import DAY, KEEP_FOREIGN_DAYS, Drop, DropState, ReadDone
from qabel.store.journal.cursors import CursorRepository
from qabel.store.pace import FIRST

NOW = 1_800_000_000.0
DAY_SECONDS = DAY / 1000


def ids(page: EncodedPage) -> list[int]:
    """Return the ids of the messages of a page."""
    return [each["id"] for each in json.loads(page.body)]


@pytest.fixture
def forget_all_but(inbox: InboxRepository, got: Any) -> Callable[[list[str]], int]:
    """Return what forgets all drops but some, and returns in how many steps."""

    def forget(kept: list[str]) -> int:
        goes = 0
        while got(inbox.forget_another_drop(kept)):
            goes += 1
        return goes

    return forget


def test_a_deleted_message_does_not_come_again(
    database: Database,
    inbox: InboxRepository,
    drop: Drop,
    things: Any,
    got: Any,
    forget_all_but: Any,
) -> None:
    """Its hash stays known, also when nothing else of its drop does."""
    one = things.message()
    got(inbox.keep(drop, [one], now=NOW))
    assert got(inbox.delete(1, now=NOW)) is not None
    assert got(inbox.delete(1, now=NOW)) is None
    forget_all_but([])
    assert got(inbox.start_reading(drop)) == DropState()
    assert got(inbox.record_found(drop, [one.hash], now=NOW)) == set()
    assert got(inbox.keep(drop, [one], now=NOW)).messages == ()
    assert got(inbox.keep(drop, [things.message()], now=NOW)).messages[0].id == 3
    assert got(CursorRepository(database).load()).messages == 1


def test_drops_that_are_no_longer_read_are_forgotten(
    inbox: InboxRepository, drop: Drop, things: Any, got: Any, rows: Any, forget_all_but: Any
) -> None:
    """Nothing is left of them, and nothing of the others goes; a large one goes in parts."""
    gone = [Drop(f"http://localhost/gone{number}", "owners") for number in range(3)]
    mine, theirs, done = things.message(), things.digest(), ReadDone("1", full=True)
    for each in (drop, *gone):
        got(inbox.start_reading(each))
        got(inbox.keep(each, foreign=[theirs], done=done, now=NOW))
    many = [number.to_bytes(16) for number in range(2 * FORGET_AT_ONCE)]
    got(inbox.keep(gone[1], [mine], foreign=many, now=NOW))
    assert forget_all_but([drop.url]) == 5
    assert rows("SELECT url FROM drops") == [(drop.url,)]
    assert rows("SELECT hash FROM foreign_hashes") == [(theirs,)]
    assert got(inbox.start_reading(drop)).cursor == "1"
    assert got(inbox.record_found(gone[1], [mine.hash, theirs], now=NOW)) == {theirs}
    assert forget_all_but([drop.url]) == 0


def test_unseen_knows_own_and_foreign_messages(
    inbox: InboxRepository, drop: Drop, things: Any, got: Any
) -> None:
    """Own ones are known everywhere, others' in the drop that they were in."""
    one, foreign, new = things.message(), things.digest(), things.digest()
    got(inbox.keep(drop, [one], foreign=[foreign, foreign], now=NOW))
    hashes = [one.hash, foreign, new, new]
    assert got(inbox.record_found(drop, hashes, now=NOW)) == {new}
    assert got(inbox.record_found(drop, [], now=NOW)) == set()
    other = Drop("http://localhost/other", "owners")
    assert got(inbox.record_found(other, hashes, now=NOW)) == {new, foreign}


def test_reading_to_the_end_moves_the_cursor(inbox: InboxRepository, drop: Drop, got: Any) -> None:
    """The cursor is kept with what was read up to it; without a new one the old one stays."""
    assert got(inbox.start_reading(drop)) == DropState()
    got(inbox.keep(drop, done=ReadDone("17.5", full=True), now=NOW))
    assert got(inbox.start_reading(drop)) == DropState("17.5", int(NOW * 1000), int(NOW * 1000))
    got(inbox.keep(drop, done=ReadDone(None, full=False), now=NOW + 5))
    assert got(inbox.start_reading(drop)) == DropState(
        "17.5", int(NOW * 1000) + 5000, int(NOW * 1000)
    )


def test_other_owners_see_everything_anew(
    inbox: InboxRepository, drop: Drop, things: Any, got: Any, rows: Any
) -> None:
    """A change of owners forgets cursor and foreign messages, never one's own."""
    one, foreign = things.message(), things.digest()
    done = ReadDone("1", full=True)
    got(inbox.keep(drop, [one], foreign=[foreign], done=done, now=NOW))
    changed = attrs.evolve(drop, owners="others")
    assert got(inbox.start_reading(changed)) == DropState()
    assert got(inbox.record_found(changed, [one.hash, foreign], now=NOW)) == {foreign}
    assert rows("SELECT count(*) FROM foreign_hashes") == [(0,)]
    # What was still under way for the old owners must not pass for read by the new ones.
    late = things.message()
    kept = got(inbox.keep(drop, [late], foreign=[foreign], done=done, now=NOW))
    assert len(kept.messages) == 1
    assert got(inbox.start_reading(changed)) == DropState()
    assert got(inbox.record_found(changed, [foreign], now=NOW)) == {foreign}


def test_foreign_messages_are_forgotten_once_the_server_has_them_no_more(
    inbox: InboxRepository, drop: Drop, things: Any, got: Any, rows: Any
) -> None:
    """Those that full readings still meet stay known, for as long as it takes."""
    stays, goes, own = things.digest(), things.digest(), things.message()
    full = ReadDone("1", full=True)
    got(inbox.keep(drop, [own], foreign=[stays, goes], done=full, now=NOW))
    for day in range(1, KEEP_FOREIGN_DAYS + 3):
        later = NOW + day * DAY_SECONDS
        assert got(inbox.record_found(drop, [stays], now=later)) == set()
        got(inbox.keep(drop, done=full, now=later))
    later = NOW + (KEEP_FOREIGN_DAYS + 3) * DAY_SECONDS
    assert got(inbox.record_found(drop, [stays, goes, own.hash], now=later)) == {goes}
    assert rows("SELECT count(*) FROM foreign_hashes") == [(1,)]
    assert rows("SELECT count(*) FROM own_hashes") == [(1,)]


def test_looking_again_on_the_same_day_writes_nothing(
    inbox: InboxRepository, drop: Drop, things: Any, got: Any, rows: Any
) -> None:
    """A full reading every few minutes costs no writing."""
    foreign = [things.digest() for _ in range(100)]
    got(inbox.keep(drop, foreign=foreign, now=NOW))
    before = rows("SELECT total_changes()")
    assert got(inbox.record_found(drop, foreign, now=NOW + 60)) == set()
    assert rows("SELECT total_changes()") == before


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        (Filter(), [1, 2, 3, 4, 5]),
        (Filter(identity_id=1), [1, 2, 5]),
        (Filter(contact_id=8), [3, 4]),
        (Filter(model_object="file"), [2, 4]),
        (Filter(identity_id=2, model_object="chat"), [3]),
        (Filter(contact_id=7, model_object="file"), [2]),
        (Filter(identity_id=2, contact_id=8, model_object="file"), [4]),
        (Filter(identity_id=9), []),
    ],
)
def test_reading_can_be_narrowed(
    inbox: InboxRepository, drop: Drop, things: Any, got: Any, which: Filter, expected: list[int]
) -> None:
    """Each way of reading returns the messages that match all conditions."""
    facts = [(1, 7, "chat"), (1, 7, "file"), (2, 8, "chat"), (2, 8, "file"), (1, None, "chat")]
    new = [things.message(identity_id=i, contact_id=c, model_object=m) for i, c, m in facts]
    got(inbox.keep(drop, new, now=NOW))
    page = got(inbox.read_page(0, 10, which))
    assert ids(page) == expected
    assert (page.count, page.last) == (len(expected), max(expected, default=0))
    assert ids(got(inbox.read_page(2, 1, which))) == [i for i in expected if i > 2][:1]


def test_old_messages_expire_in_portions(
    database: Database, inbox: InboxRepository, drop: Drop, things: Any, got: Any
) -> None:
    """Each portion says where the next begins; where none is old any more, it is over."""
    old = [things.message(received=int(NOW * 1000) - 1) for _ in range(FIRST + 2)]
    young = [things.message(received=int(NOW * 1000)) for _ in range(3)]
    got(inbox.keep(drop, [*old, *young], now=NOW))
    newest = FIRST + 5
    assert got(inbox.expire(NOW, 0, now=NOW)) == Expired(FIRST, FIRST, newest + 1)
    second = got(inbox.expire(NOW, FIRST, now=NOW))
    assert (second.count, second.last_seq) == (2, newest + 2)
    assert got(inbox.expire(NOW, newest, now=NOW)) == Expired(0, None, newest + 2)
    assert got(CursorRepository(database).load()).messages == 3


def test_messages_of_a_clock_that_stood_still_do_not_expire(
    inbox: InboxRepository, drop: Drop, things: Any, got: Any
) -> None:
    """What came before the clock was set at all has no age that is known."""
    got(inbox.keep(drop, [things.message(received=1000)], now=NOW))
    assert got(inbox.expire(NOW, 0, now=NOW)) == Expired(0, None, 1)


def test_one_message_by_its_id(inbox: InboxRepository, drop: Drop, things: Any, got: Any) -> None:
    """A message is encoded as it is in a page; one that is not there is None."""
    got(inbox.keep(drop, [things.message()], now=NOW))
    assert b"[%s]" % got(inbox.get_encoded(1)) == got(inbox.read_page(0, 1)).body
    assert got(inbox.get_encoded(2)) is None
