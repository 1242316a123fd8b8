"""The repository of acknowledgements: each call is one transaction of the database."""

from qabel.deferreds import result_of
from qabel.store.database.database import Database
from qabel.store.inbox.repository import InboxRepository
from qabel.store.outbox.acknowledgement_repository import AcknowledgementRepository
from qabel.store.outbox.acknowledgements import AcknowledgementCounts
from tests.store.conftest import Things


def test_the_life_of_acknowledgements(database: Database, things: Things) -> None:
    """What came with messages is begun, and ends in each way that there is."""
    repository = AcknowledgementRepository(database)
    messages = [
        things.message(acknowledgement=things.acknowledgement(number)) for number in range(1, 8)
    ]
    result_of(InboxRepository(database).keep(things.drop, messages, now=1.0))
    result_of(repository.redraw(0, lambda: 9))
    first, second, third, fourth = result_of(repository.begin(9, 4, lambda _: 1, {})).due
    result_of(repository.sent(first))
    result_of(repository.refused(second, 9, None))
    result_of(repository.dropped(third))
    result_of(repository.failed(fourth, 9, 1_000, lambda: 1))
    assert result_of(repository.counts()) == AcknowledgementCounts(waiting=4, given_up=1)
    result_of(repository.keep_only({(fourth.identity, fourth.contact)}))
    turn = result_of(repository.begin(1_000, 4, lambda _: 1, {}))
    assert (turn.due, turn.next) == ((), 1_010)
    result_of(repository.expire(1, 1_000))
    assert result_of(repository.counts()) == AcknowledgementCounts(waiting=0, given_up=2)
    result_of(repository.keep_only(None))
