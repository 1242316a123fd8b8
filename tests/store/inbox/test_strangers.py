"""What is kept of strangers: never more than the quota, and never less for a newcomer's sake."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qabel.store.database.database import Database
from qabel.store.inbox.message_rows import NewMessage
from qabel.store.inbox.refused import Reason
from qabel.store.inbox.repository import InboxRepository
from qabel.store.inbox.seen import Drop, ReadDone
from qabel.store.inbox.strangers import StrangerLimits, StrangerRepository
from qabel.store.outbox.receipts import Receipt
from tests.store.inbox.test_message_rows import LONGS, TEXTS

NOW = 1_800_000_000.0
ME, EVE, FRED = (bytes([number]) * 32 for number in (0x4E, 0xE0, 0xF0))
ALL = frozenset({Reason.STRANGER, Reason.INTRODUCED})
ID_DIGITS = 19


def limits(quota: int, *reasons: Reason) -> StrangerLimits:
    """Return limits in bytes, for all strangers if no reasons are given."""
    return StrangerLimits(frozenset(reasons) or ALL, quota)


@pytest.fixture
def inbox(database: Database) -> InboxRepository:
    """Return the inbox of an empty database."""
    return InboxRepository(database)


@pytest.fixture
def strangers(database: Database) -> StrangerRepository:
    """Return what is known of strangers in the same database."""
    return StrangerRepository(database)


@pytest.fixture
def drop(inbox: InboxRepository, things: Any, got: Any) -> Drop:
    """Return a drop that was read in full."""
    got(inbox.start_reading(things.drop))
    got(inbox.keep(things.drop, done=ReadDone("1", full=True), now=NOW))
    return things.drop


@pytest.fixture
def stranger(things: Any) -> Callable[..., NewMessage]:
    """Return what makes messages of strangers."""
    return lambda **given: things.message(**{"sender": EVE, "contact_id": None, **given})


def shown(inbox: InboxRepository, got: Any) -> int:
    """Return the bytes of JSON text that the inbox has of strangers."""
    page = json.loads(got(inbox.read_page(0, 100_000)).body)
    found = [each["id"] for each in page if each["contact_id"] is None]
    return sum(len(got(inbox.get_encoded(each))) for each in found)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.tuples(TEXTS, TEXTS, TEXTS), st.tuples(LONGS, LONGS), st.booleans())
def test_a_message_counts_for_its_json(
    database: Database,
    things: Any,
    got: Any,
    rows: Any,
    texts: tuple[str, str, str],
    longs: tuple[int, int],
    introduced: bool,
) -> None:
    """It counts for the text that readers get, with a comma, and an id of any length."""
    inbox, data = InboxRepository(database), json.dumps({"msg": texts[0]}).encode()
    message = things.message(
        contact_id=None,
        time_stamp=longs[0],
        received=longs[1],
        acknowledge_id=texts[1],
        model_object=texts[2],
        data=data,
        meta_data=data if introduced else None,
    )
    [stored] = got(inbox.keep(things.drop, [message], now=NOW)).messages
    [(counted,)] = rows("SELECT stranger FROM messages WHERE id = ?", stored.id)
    text = got(inbox.get_encoded(stored.id))
    assert counted == len(text) + 1 + ID_DIGITS - len(str(stored.id))


def test_the_quota_holds_exactly(
    inbox: InboxRepository, strangers: StrangerRepository, drop: Drop, stranger: Any, got: Any
) -> None:
    """As many are kept as fit, over any batches; one byte less, and the last one does not."""
    batches = [[stranger() for _ in range(3)] for _ in range(4)]
    exact = sum(each.stranger for each in [*batches[0], *batches[1], batches[2][0]])
    kept = [got(inbox.keep(drop, each, limits=limits(exact), now=NOW)) for each in batches]
    assert [len(each.messages) for each in kept] == [3, 3, 1, 0]
    assert [each.refused for each in kept] == [0, 0, 2, 3]
    assert got(strangers.counts()).kept_bytes == exact >= shown(inbox, got)
    assert got(strangers.counts()).strangers_refused == 5


def test_one_byte_too_few(
    inbox: InboxRepository, strangers: StrangerRepository, drop: Drop, stranger: Any, got: Any
) -> None:
    """A message for which one byte is lacking is not kept; a smaller one still is."""
    large, small = stranger(data=b'{"msg":"%s"}' % (b"x" * 500)), stranger()
    kept = got(inbox.keep(drop, [large, small], limits=limits(large.stranger - 1), now=NOW))
    assert [each.data for each in kept.messages] == [small.data]


def test_contacts_count_for_nothing(
    inbox: InboxRepository, strangers: StrangerRepository, drop: Drop, things: Any, got: Any
) -> None:
    """Contacts' messages are kept however many there are, and take no room from strangers."""
    kept = got(inbox.keep(drop, [things.message()] * 1, limits=limits(0), now=NOW))
    assert len(kept.messages) == 1
    assert got(strangers.counts()).kept_bytes == 0


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [(ALL, [True, True]), ({Reason.INTRODUCED}, [False, True]), (set(), [False, False])],
)
def test_which_strangers_are_kept(
    inbox: InboxRepository,
    strangers: StrangerRepository,
    drop: Drop,
    stranger: Any,
    got: Any,
    reasons: set[Reason],
    expected: list[bool],
) -> None:
    """All strangers are kept, or those who introduce themselves, or none."""
    new = [stranger(), stranger(meta_data=b"{}")]
    chosen = StrangerLimits(frozenset(reasons), 10**6)
    kept = got(inbox.keep(drop, new, limits=chosen, now=NOW))
    datas = [each.data for each in kept.messages]
    assert [each.data in datas for each in new] == expected
    counts = got(strangers.counts())
    assert counts.strangers_refused == expected.count(False)
    assert counts.lacking_room(chosen) == 0


def test_refused_messages_are_known(
    inbox: InboxRepository, strangers: StrangerRepository, drop: Drop, stranger: Any, got: Any
) -> None:
    """A message that was not kept is not opened again, and counts once."""
    message = stranger()
    for _ in range(3):
        got(inbox.keep(drop, [message], limits=limits(0), now=NOW))
    assert got(inbox.record_found(drop, [message.hash], now=NOW)) == set()
    assert got(strangers.counts()).strangers_refused == 1


def test_what_was_kept_is_not_refused_later(
    inbox: InboxRepository, strangers: StrangerRepository, drop: Drop, stranger: Any, got: Any
) -> None:
    """A kept message that comes again from another drop counts neither as new nor as refused."""
    message = stranger()
    got(inbox.keep(drop, [message], now=NOW))
    kept = got(inbox.keep(drop, [message], limits=limits(0), now=NOW))
    assert (kept.messages, kept.refused) == ((), 0)


def test_deleting_makes_room(
    inbox: InboxRepository, strangers: StrangerRepository, drop: Drop, stranger: Any, got: Any
) -> None:
    """After a message was deleted, as many are looked at again as fit, and no more."""
    new = [stranger() for _ in range(5)]
    full = limits(sum(each.stranger for each in new[:2]))
    got(inbox.keep(drop, new, limits=full, now=NOW))
    assert got(strangers.look_again(full, [drop.url])) == set()
    got(inbox.delete(1, now=1.0))
    assert got(strangers.look_again(full, [])) == set()
    assert got(strangers.look_again(full, [drop.url])) == {drop.url}
    hashes = [each.hash for each in new]
    again = got(inbox.record_found(drop, hashes, now=NOW))
    assert (len(again), again <= set(hashes[2:])) == (1, True)
    assert got(strangers.counts()).strangers_refused == 2
    # After a restart the whole drop is read, too.
    assert got(inbox.start_reading(drop)).last_full_read is None


def test_room_goes_to_those_who_introduce_themselves(
    inbox: InboxRepository, strangers: StrangerRepository, drop: Drop, stranger: Any, got: Any
) -> None:
    """Where there is room for some only, these are looked at first; others are if chosen."""
    plain, introduced = stranger(), stranger(meta_data=b"{}")
    got(inbox.keep(drop, [plain, introduced], limits=limits(0), now=NOW))
    room = introduced.stranger + plain.stranger - 1
    got(strangers.look_again(limits(room, Reason.INTRODUCED), [drop.url]))
    hashes = [plain.hash, introduced.hash]
    assert got(inbox.record_found(drop, hashes, now=NOW)) == {introduced.hash}


def test_new_contacts_are_no_strangers(
    inbox: InboxRepository,
    strangers: StrangerRepository,
    drop: Drop,
    stranger: Any,
    got: Any,
    rows: Any,
) -> None:
    """What was kept of them is theirs and takes no room; what was refused is looked at again."""
    kept, refused, of_fred = stranger(), stranger(), stranger(sender=FRED)
    got(inbox.keep(drop, [kept, of_fred], now=NOW))
    got(inbox.keep(drop, [refused], limits=limits(0), now=NOW))
    assert got(strangers.recognize({(FRED, EVE): 8}, None)) == set()
    assert got(strangers.recognize({(ME, EVE): 9}, None)) == {drop.url}
    assert rows("SELECT contact_id FROM messages ORDER BY id") == [(9,), (None,)]
    assert got(inbox.record_found(drop, [refused.hash], now=NOW)) == {refused.hash}
    assert got(strangers.counts()).kept_bytes == of_fred.stranger
    assert got(strangers.counts()).strangers_refused == 0


def test_receipts_about_nothing_leave_nothing_for_ever(
    inbox: InboxRepository, drop: Drop, things: Any, got: Any, rows: Any
) -> None:
    """Anybody can send them: they are foreign, so that they are forgotten in time."""
    bogus = [
        Receipt(hash=things.digest(), sender=EVE, receiver=ME, acknowledge_id="x", received=1)
        for _ in range(3)
    ]
    kept = got(inbox.keep(drop, received_receipts=bogus, now=NOW))
    assert kept.receipts == 0
    assert rows("SELECT count(*) FROM own_hashes") == [(0,)]
    assert got(inbox.record_found(drop, [each.hash for each in bogus], now=NOW)) == set()
