"""Messages on damaged pages: what is whole is read, and what is not is told."""

import json
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import pytest

from qabel.deferreds import result_of
from qabel.host.job_thread import InlineWorker
from qabel.store.database.database import Database
from qabel.store.database.errors import Corrupt, StoreError
from qabel.store.inbox.message_rows import EVERYTHING, Filter
from qabel.store.inbox.repository import EncodedPage, InboxRepository
from qabel.store.journal.entries import DAMAGE, JournalEntries, JournalEntry
from qabel.store.key_record import GivenKey
from qabel.store.numbers import add_event
from tests.store.conftest import KEY, Things
from tests.store.database.pages_of import overwrite, page_count, pages_of

MESSAGES = "SELECT * FROM messages NOT INDEXED"
BY_IDENTITY = "SELECT id FROM messages INDEXED BY messages_by_identity WHERE identity_id > 0"
COUNT = 150


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a closed database with messages of two identities, some long, and with events."""
    path = tmp_path_factory.mktemp("pristine") / "qabel.db"
    things, database = Things(), Database(path, GivenKey(KEY), worker=InlineWorker)
    result_of(database.open())
    inbox, sizes = InboxRepository(database), cycle([10, 500, 1500])
    for _ in range(COUNT // 5):
        new = [
            things.message(
                data=b'{"msg":"%s"}' % (b"x" * next(sizes)),
                identity_id=1 + things.count % 2,
                contact_id=(None, 7)[things.count // 2 % 2],
            )
            for _ in range(5)
        ]
        result_of(inbox.keep(things.drop, new, now=1.0))
        result_of(database.run(lambda c: add_event(c, "settings", b"{}", 1)))
    result_of(database.close())
    return path


@pytest.fixture
def copy(path: Path, pristine: Path) -> Path:
    """Return a copy of it to damage."""
    path.write_bytes(pristine.read_bytes())
    return path


def opened(path: Path) -> Database:
    """Return an open database."""
    database = Database(path, GivenKey(KEY), worker=InlineWorker)
    result_of(database.open())
    return database


def identities(pristine: Path, which: Filter = EVERYTHING) -> dict[int, int]:
    """Return the identity of each message of the whole database, by its id."""
    database = opened(pristine)
    page = result_of(InboxRepository(database).read_page(0, 1000, which))
    result_of(database.close())
    return {each["id"]: each["identity_id"] for each in json.loads(page.body)}


def numbers(ranges: Iterator[tuple[int, int]]) -> set[int]:
    """Return all numbers in some ranges."""
    return {number for first, last in ranges for number in range(first, last + 1)}


def read_all(inbox: InboxRepository, limit: int, which: Filter = EVERYTHING) -> list[EncodedPage]:
    """Return all pages that a reader gets, one after another."""
    pages, after = [], 0
    while True:
        page = result_of(inbox.read_page(after, limit, which))
        pages.append(page)
        if page.last == after:
            return pages
        assert page.last > after
        after = page.last


def check(path: Path, expected: dict[int, int], which: Filter, limit: int) -> set[int]:
    """Check that a reader hears of each message once; return the ids of the damaged ones."""
    database = opened(path)
    pages = read_all(InboxRepository(database), limit, which)
    result_of(database.close())
    ids = [each["id"] for page in pages for each in json.loads(page.body)]
    assert ids == sorted(set(ids))
    damaged = numbers((each.first, each.last) for page in pages for each in page.damaged)
    assert set(ids) <= set(expected)
    assert set(expected) - set(ids) <= damaged
    assert not damaged & set(ids)
    assert all(json.loads(page.body) or page.damaged or page is pages[-1] for page in pages)
    return damaged & set(expected)


@pytest.mark.parametrize("limit", [1000, 7])
@pytest.mark.parametrize("which", [EVERYTHING, Filter(identity_id=1), Filter(contact_id=7)])
def test_nothing_is_left_out_in_silence(
    copy: Path, pristine: Path, which: Filter, limit: int
) -> None:
    """Whatever page is damaged, each message is read or told to be damaged."""
    expected, whole = identities(pristine, which), copy.read_bytes()
    most = 0
    for page in range(2, page_count(copy) + 1):
        overwrite(copy, page)
        try:
            lost = check(copy, expected, which, limit)
        except StoreError:
            # It does not even open, or nothing at all can be read, and that is said.
            lost = set()
        most = max(most, len(lost))
        copy.write_bytes(whole)
    # The root of the table is one of the pages.
    assert most == len(expected)


def test_one_bad_page_costs_a_few_messages(copy: Path) -> None:
    """Of a damaged page of messages only those that are on it are lost."""
    *_, page = pages_of(copy, KEY, MESSAGES)
    overwrite(copy, page)
    database = opened(copy)
    found = result_of(InboxRepository(database).read_page(0, 1000))
    result_of(database.close())
    assert COUNT - 40 < found.count < COUNT
    assert found.damaged


def test_several_bad_pages(copy: Path, pristine: Path) -> None:
    """What is whole between damaged pages is read, and each gap is told."""
    pages = list(pages_of(copy, KEY, MESSAGES))
    for page in pages[3::4]:
        overwrite(copy, page)
    lost = check(copy, identities(pristine), EVERYTHING, 1000)
    assert len(lost) < COUNT / 2


def test_without_the_indexes_too(copy: Path, pristine: Path) -> None:
    """Where the index is damaged as well, the gaps are told by their bounds."""
    for page in (
        list(pages_of(copy, KEY, BY_IDENTITY))[-1],
        list(pages_of(copy, KEY, MESSAGES))[-1],
    ):
        overwrite(copy, page)
    for which in (EVERYTHING, Filter(identity_id=2)):
        check(copy, identities(pristine, which), which, 1000)


def test_others_hear_only_of_their_own(copy: Path, pristine: Path) -> None:
    """A reader of one identity is not told of damaged messages of another."""
    overwrite(copy, list(pages_of(copy, KEY, MESSAGES))[-1])
    database = opened(copy)
    page = result_of(InboxRepository(database).read_page(0, 1000, Filter(identity_id=1)))
    result_of(database.close())
    owners = identities(pristine)
    for each in page.damaged:
        assert owners[each.first] == owners[each.last] == each.identity_id == 1


def test_other_work_goes_on(copy: Path, things: Things) -> None:
    """After damage was met, messages are stored and read as before, and the damage is reported."""
    overwrite(copy, list(pages_of(copy, KEY, MESSAGES))[2])
    database = opened(copy)
    reported: list[StoreError] = []
    database.on_failure = reported.append
    inbox = InboxRepository(database)
    things.count = 1000
    for _ in range(3):
        result_of(inbox.read_page(0, 1000))
        stored = result_of(inbox.keep(things.drop, [things.message()], now=1.0))
        assert result_of(inbox.get_encoded(stored.messages[0].id)) is not None
    assert reported
    assert isinstance(database.damage, Corrupt)
    result_of(database.close())


def journal(path: Path, limit: int) -> list[JournalEntry]:
    """Return the journal as a follower reads it."""
    database = opened(path)
    entries: list[JournalEntry] = []
    while True:
        after = entries[-1].seq if entries else 0
        some = result_of(JournalEntries(database).read(after, limit))
        if not some:
            result_of(database.close())
            return entries
        entries += some


@pytest.mark.parametrize("limit", [1000, 7])
def test_the_journal_goes_on_after_damage(copy: Path, limit: int) -> None:
    """Followers get all entries that are whole, in order, and one in place of damaged ones."""
    everything, whole = {each.seq: each for each in journal(copy, limit)}, copy.read_bytes()
    kinds = set()
    for page in range(2, page_count(copy) + 1):
        overwrite(copy, page)
        try:
            found = journal(copy, limit)
        except StoreError:
            found = list(everything.values())
        copy.write_bytes(whole)
        told = [json.loads(each.data) for each in found if each.kind == DAMAGE]
        kinds |= {each["table"] for each in told}
        missing = numbers(tuple(map(int, (each["ids"].split("-") * 2)[:2])) for each in told)
        good = [each for each in found if each.kind != DAMAGE]
        assert good == [everything[each.seq] for each in good]
        assert set(everything) - {each.seq for each in good} <= missing
        order = [each.seq for each in found]
        assert order == sorted(order)
    assert kinds == {"messages", "events"}
