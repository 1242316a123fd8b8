"""Refused messages: each is forgotten when it may be kept, and only then."""

from collections.abc import Callable
from typing import Any

import pytest

from qabel.deferreds import result_of
from qabel.drop.transport import HASH_SIZE
from qabel.store.database.database import Database
from qabel.store.inbox import refused, seen
from qabel.store.inbox.refused import Reason, Refused, pair_digest
from qabel.store.inbox.seen import DAY, KEEP_FOREIGN_DAYS, Drop, ReadDone

NOW = 20_000 * DAY
FIRST, SECOND = Drop("http://localhost/first", "me"), Drop("http://localhost/second", "me")
ME, YOU, EVE = (bytes([number]) * 32 for number in range(3))
ALL = (Reason.STRANGER, Reason.INTRODUCED)

Run = Callable[..., Any]


@pytest.fixture
def run(database: Database) -> Run:
    """Return what runs one of the functions in a transaction, and returns its result."""
    return lambda work, *args: result_of(database.run(lambda found: work(found, *args)))


@pytest.fixture
def refuse(run: Run) -> Callable[..., bytes]:
    """Return what records a message as refused, and returns its hash."""
    ids = {}
    for drop in (FIRST, SECOND):
        run(seen.start_reading, drop)
        ids[drop] = run(seen.find_drop, drop)

    def add(size: int, reason: Reason = Reason.STRANGER, drop: Drop = FIRST) -> bytes:
        digest = size.to_bytes(HASH_SIZE)
        each = Refused(digest, reason, size, pair_digest(ME, EVE))
        run(refused.add_refused, ids[drop], [each], NOW)
        return digest

    return add


def unseen(run: Run, *digests: bytes, drop: Drop = FIRST) -> set[bytes]:
    """Return which messages would be opened."""
    return run(seen.find_unseen, run(seen.find_drop, drop), digests)


def test_what_fits_is_forgotten(run: Run, refuse: Any) -> None:
    """Only as many as fit together, the smallest first, and of each drop that has any."""
    ten, twenty, thirty = refuse(10), refuse(20, drop=SECOND), refuse(30)
    urls = [FIRST.url, SECOND.url]
    assert run(refused.forget_fitting, 9, ALL, urls) == set()
    assert run(refused.forget_fitting, 30, ALL, urls) == set(urls)
    assert unseen(run, ten, thirty) == {ten}
    assert unseen(run, twenty, drop=SECOND) == {twenty}


def test_other_drops_wait(run: Run, refuse: Any) -> None:
    """The messages of drops that may not be read in full now stay known."""
    refuse(10)
    assert run(refused.forget_fitting, 100, ALL, [SECOND.url]) == set()
    assert run(refused.forget_fitting, 100, (), [FIRST.url]) == set()


def test_they_are_counted_by_reason(run: Run, refuse: Any) -> None:
    """The counts follow what is added, forgotten, and deleted with its drop."""
    refuse(1)
    refuse(2, Reason.INTRODUCED)
    refuse(3, Reason.BLOCKED)
    refuse(3, Reason.BLOCKED)
    assert run(refused.count_refused) == dict.fromkeys(Reason, 1)
    run(refused.forget_fitting, 100, (Reason.INTRODUCED,), [FIRST.url])
    assert run(refused.count_refused)[Reason.INTRODUCED] == 0
    while run(seen.forget_another, [], 1):
        pass
    assert run(refused.count_refused) == dict.fromkeys(Reason, 0)


def test_they_go_like_other_foreign_messages(run: Run, refuse: Any) -> None:
    """Once a server no longer has them, they are forgotten after two weeks."""
    refuse(1)
    drop_id, later = run(seen.find_drop, FIRST), NOW + (KEEP_FOREIGN_DAYS + 1) * DAY
    run(seen.finish_reading, drop_id, ReadDone(None, full=True), later)
    assert run(refused.count_refused) == dict.fromkeys(Reason, 0)


def test_unblocked_senders(run: Run, refuse: Any) -> None:
    """The messages of a sender who is still blocked stay known; others are looked at again."""
    digest = refuse(1, Reason.BLOCKED)
    pair = pair_digest(ME, EVE)
    assert run(refused.forget_of_known, [], None) == set()
    assert run(refused.forget_of_known, [], [pair]) == set()
    assert unseen(run, digest) == set()
    assert run(refused.forget_of_known, [], [pair_digest(YOU, EVE)]) == {FIRST.url}
    assert unseen(run, digest) == {digest}


def test_a_pair_is_of_receiver_and_sender() -> None:
    """Whom a message is for matters as much as whom it is from."""
    digests = {pair_digest(*each) for each in [(ME, EVE), (EVE, ME), (YOU, EVE)]}
    assert len(digests) == 3
