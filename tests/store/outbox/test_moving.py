"""Queued deliveries follow their recipients."""

from collections.abc import Callable, Sequence
from typing import Any

from qabel.deferreds import result_of
from qabel.store.database.database import Database
from qabel.store.outbox.moving import NO_CONTACT
from qabel.store.outbox.repository import OutboxRepository
from qabel.store.outbox.sends import NO_URL
from tests.store.conftest import Things
from tests.store.outbox.conftest import NOW, A, B

C = "http://localhost/c"
States = Callable[[int], list[tuple[str, str | None]]]


def move(outbox: OutboxRepository, *urls: str, recipient: int = 1) -> None:
    """Have one recipient move; the others stay at A."""
    addresses: dict[bytes, Sequence[str] | None] = {bytes([recipient]) * 32: urls}
    result_of(outbox.follow(lambda _, key: addresses.get(key, (A,)), now=NOW))


def due(outbox: OutboxRepository) -> list[tuple[int, str]]:
    """Return what is due, with the ids of the sends."""
    return [(each.send_id, each.url) for each in result_of(outbox.due(NOW + 1, 10))]


def drain(outbox: OutboxRepository) -> list[tuple[int, str]]:
    """Post whatever is due until nothing is; return what was posted, in order."""
    posted = []
    while found := result_of(outbox.due(NOW + 1, 1)):
        posted.append((found[0].send_id, found[0].url))
        result_of(outbox.posted(found[0], now=NOW))
    return posted


def test_all_go_to_the_new_address_in_order(
    outbox: OutboxRepository, things: Things, add: Any
) -> None:
    """What is queued for a recipient that moved is posted there, and others' messages stay."""
    ids = [add(things.delivery(1, A)).id for _ in range(3)]
    other = add(things.delivery(2, A)).id
    move(outbox, B)
    assert set(due(outbox)) == {(other, A), (ids[0], B)}
    assert [each for each in drain(outbox) if each[1] == B] == [(each, B) for each in ids]


def test_nothing_is_posted_twice_where_a_url_stays(
    outbox: OutboxRepository, things: Things, add: Any, states: States
) -> None:
    """A URL that stays gets nothing that it has already, and keeps what is queued for it."""
    first = add(things.delivery(1, A, B))
    second = add(things.delivery(1, A, B))
    result_of(outbox.posted(first.ready[0], now=NOW))
    move(outbox, A, C)
    assert sorted(due(outbox)) == [(first.id, C), (second.id, A)]
    assert sorted(drain(outbox)) == [(first.id, C), (second.id, A), (second.id, C)]
    assert states(first.id) == states(second.id) == [("sent", None)]


def test_what_joins_a_queue_late_keeps_its_turn(
    outbox: OutboxRepository, things: Things, add: Any
) -> None:
    """An earlier message that moves to a URL goes before later ones that wait there already."""
    early = add(things.delivery(1, A))
    late = add(things.delivery(1, B))
    move(outbox, B)
    assert drain(outbox) == [(early.id, B), (late.id, B)]


def test_a_url_that_goes_may_settle_a_delivery(
    outbox: OutboxRepository, things: Things, add: Any, states: States
) -> None:
    """A delivery that was only waiting for a URL that goes is sent, if another one has it."""
    first = add(things.delivery(1, A, B))
    result_of(outbox.posted(first.ready[0], now=NOW))
    nowhere = add(things.delivery(2, B))
    move(outbox, A)
    assert states(first.id) == [("sent", None)]
    move(outbox, recipient=2)
    assert states(nowhere.id) == [("failed", NO_URL)]


def test_what_is_queued_for_a_deleted_contact_ends(
    outbox: OutboxRepository, things: Things, add: Any, states: States
) -> None:
    """A deleted contact gets nothing more: deliveries end with a reason, and nothing is due."""
    gone = add(things.delivery(1, A))
    kept = add(things.delivery(2, A))
    result_of(outbox.follow(lambda _, key: None if key == bytes([1]) * 32 else (A,), now=NOW))
    assert states(gone.id) == [("failed", NO_CONTACT)]
    assert states(kept.id) == [("queued", None)]
    assert due(outbox) == [(kept.id, A)]


def test_what_an_older_version_left_behind_another_sender(
    outbox: OutboxRepository, database: Database, things: Things, add: Any
) -> None:
    """A queue of which nothing is due, as its first waited for another sender, starts."""
    sender = b"\x77" * 32
    mine = add(things.delivery(1, A))
    theirs = [add(things.delivery(1, A), sender=sender).id for _ in range(2)]
    stalled = "UPDATE postings SET next_attempt = NULL WHERE id > ?"
    result_of(database.run(lambda connection: connection.execute(stalled, (mine.ready[0].id,))))
    assert due(outbox) == [(mine.id, A)]
    move(outbox, A)
    assert sorted(due(outbox)) == [(mine.id, A), (theirs[0], A)]


def test_each_sender_moves_a_queue_of_its_own(
    outbox: OutboxRepository, things: Things, add: Any
) -> None:
    """Of what two identities have queued for a recipient that moves, the first of each is due."""
    sender = b"\x77" * 32
    mine = [add(things.delivery(1, A)).id for _ in range(2)]
    theirs = [add(things.delivery(1, A), sender=sender).id for _ in range(2)]
    move(outbox, B)
    assert sorted(due(outbox)) == [(mine[0], B), (theirs[0], B)]


def test_doing_it_again_changes_nothing(outbox: OutboxRepository, things: Things, add: Any) -> None:
    """Where nobody moved, nothing changes: neither what is queued nor when it is tried."""
    first = add(things.delivery(1, A))
    add(things.delivery(1, A))
    result_of(outbox.failed_attempt(first.ready[0], NOW + 600, "away"))
    before = result_of(outbox.read(0, 10))
    move(outbox, A)
    move(outbox, A)
    assert result_of(outbox.read(0, 10)) == before
