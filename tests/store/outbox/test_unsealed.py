"""Deliveries without a box: each gets one, which stays."""

from typing import Any

from attrs import evolve

from qabel.deferreds import result_of
from qabel.store.outbox.repository import OutboxRepository
from qabel.store.outbox.sends import DeliveryState, Posting
from qabel.store.outbox.unsealed import AT_ONCE, Box
from tests.store.conftest import Things
from tests.store.outbox.conftest import NOW, A, B


def put(outbox: OutboxRepository, things: Things, *recipients: int) -> list[Posting]:
    """Add an unsealed message to each of some recipients; return what can be posted."""
    ready: list[Posting] = []
    for each in recipients:
        delivery = evolve(things.delivery(each, A), sealed=None)
        new = things.send(delivery, message=b"{}")
        ready += result_of(outbox.add(new, now=NOW)).ready
    return ready


def boxes(outbox: OutboxRepository, posting: Posting) -> bytes | None:
    """Have all that is to be sealed for a posting get boxes; return that of the posting."""
    made = [
        Box(
            delivery_id=each.delivery_id,
            sealed=b"box %d" % each.delivery_id,
            introduced=False,
        )
        for each in result_of(outbox.unsealed(posting))
    ]
    return result_of(outbox.keep_boxes(posting, made))


def test_a_box_stays(outbox: OutboxRepository, things: Things) -> None:
    """What is due again has the box that was stored first."""
    [posting] = put(outbox, things, 1)
    assert posting.sealed is None
    assert boxes(outbox, posting) == b"box 1"
    other = Box(delivery_id=1, sealed=b"another", introduced=True)
    assert result_of(outbox.keep_boxes(posting, [other])) == b"box 1"
    [due] = result_of(outbox.due(NOW, 10))
    assert due.sealed == b"box 1"


def test_what_follows_is_sealed_too(outbox: OutboxRepository, things: Things) -> None:
    """With a posting, those behind it in its queue are found, but none of another recipient."""
    first, other = put(outbox, things, 1, 2, *(1 for _ in range(AT_ONCE)))
    found = [each.delivery_id for each in result_of(outbox.unsealed(first))]
    assert found == [1, *range(3, AT_ONCE + 2)]
    assert boxes(outbox, first) == b"box 1"
    ready = result_of(outbox.posted(first, now=NOW)).ready
    assert [each.sealed for each in ready] == [b"box 3"]
    assert [each.delivery_id for each in result_of(outbox.unsealed(other))] == [2]


def test_what_is_gone_gets_no_box(outbox: OutboxRepository, things: Things, states: Any) -> None:
    """A message that was deleted, or has failed, is not sealed."""
    first, second = put(outbox, things, 1, 2)
    result_of(outbox.delete(first.send_id, now=NOW))
    result_of(outbox.follow(lambda *_: None, now=NOW))
    assert [state for state, _ in states(second.send_id)] == [DeliveryState.FAILED]
    for each in (first, second):
        assert boxes(outbox, each) is None


def test_it_moves_with_its_recipient(outbox: OutboxRepository, things: Things) -> None:
    """An unsealed message is posted where the recipient is by then."""
    put(outbox, things, 1)
    result_of(outbox.follow(lambda *_: [B], now=NOW))
    [due] = result_of(outbox.due(NOW, 10))
    assert (due.url, due.sealed) == (B, None)


def test_boxes_and_messages_are_not_shown(outbox: OutboxRepository, things: Things) -> None:
    """The repr of what is to be sealed, which goes to logs, shows neither text nor box."""
    [posting] = put(outbox, things, 1)
    [found] = result_of(outbox.unsealed(evolve(posting, sealed=b"secret")))
    shown = repr(found) + repr(Box(delivery_id=1, sealed=b"secret", introduced=False))
    assert not [each for each in ("{}", "secret") if each in shown]
