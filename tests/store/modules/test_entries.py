"""The journal as modules read it."""

from qabel.deferreds import result_of
from qabel.store.inbox.repository import InboxRepository
from qabel.store.modules.entries import (
    DeliveryChanged,
    Place,
    Received,
    Sent,
    read_entries,
)
from qabel.store.modules.happenings import Deleted
from qabel.store.outbox.repository import OutboxRepository
from tests.store.modules.conftest import NOW, Mail


def test_both_sides_in_their_order(mail: Mail) -> None:
    """Messages that were received, and those that are sent, come in the order of the journal."""
    mail.receive("chat")
    sent = mail.send()
    mail.receive("chat")
    first, second, third = mail.entries()
    assert isinstance(first, Received)
    assert isinstance(second, Sent)
    assert isinstance(third, Received)
    assert first.place < second.place < third.place
    assert (first.data, second.data) == ({"msg": "in"}, {"msg": "out"})
    assert (second.send_id, second.created, second.time_stamp) == (sent.id, int(NOW * 1000), 5)
    [recipient] = second.recipients
    assert (recipient.contact_id, recipient.state, recipient.acknowledged) == (7, "queued", None)
    assert first.message_id == first.place.seq


def test_what_becomes_of_a_message(mail: Mail) -> None:
    """A change of a delivery is an entry, and what is read later has it."""
    sent = mail.send()
    result_of(OutboxRepository(mail.database).posted(sent.ready[0], now=NOW))
    message, change = mail.entries()
    assert isinstance(message, Sent)
    assert isinstance(change, DeliveryChanged)
    assert message.recipients[0].state == "sent"
    assert (change.identity_id, change.identity) == (message.identity_id, message.identity)
    assert (change.send_id, change.state, change.recipient) == (sent.id, "sent", bytes([7]) * 32)


def test_only_what_is_wanted(mail: Mail) -> None:
    """Messages of other kinds are looked at, and not returned."""
    mail.receive("chat", "note", "chat")
    mail.send("note")
    read = mail.database.side.read
    assert [each.kind for each in mail.entries() if isinstance(each, Received)] == ["chat"] * 2
    others = read_entries(read, Place(), 100, ["chat"], but=True)
    assert [each.kind for each in others.entries if isinstance(each, Received | Sent)] == [
        "note",
        "note",
    ]
    assert others.count == 4
    none = read_entries(read, Place(), 100, [])
    assert (list(none.entries), none.last) == ([], others.last)


def test_reading_on(mail: Mail) -> None:
    """Whatever the limit, each entry comes once, also those of equal numbers."""
    mail.receive("chat")
    for _ in range(3):
        mail.send()
    # As messages of an earlier version have them.
    result_of(mail.database.run(lambda connection: connection.execute("UPDATE sends SET seq = 1")))
    for limit in (1, 2, 3):
        place, found = Place(), []
        while entries := mail.entries(place, limit):
            found += [each.place for each in entries]
            place = entries[-1].place
        assert found == [Place(1), Place(1, 1), Place(1, 2), Place(1, 3)]


def test_the_end(mail: Mail) -> None:
    """At the end of the journal the place is that of the newest number, also of what is deleted."""
    [_, last] = mail.receive("chat", "chat")
    result_of(mail.database.run(lambda c: c.execute("DELETE FROM messages WHERE id = 2")))
    span = read_entries(mail.database.side.read, Place(), 100, ["chat"])
    assert (span.count, span.last) == (1, Place(last))
    again = read_entries(mail.database.side.read, span.last, 100, ["chat"])
    assert (again.count, again.last) == (0, span.last)


def test_deletions(mail: Mail) -> None:
    """What was deleted has an entry with ids, and none of its own any more."""
    [first, _] = mail.receive("chat", "chat")
    sent = mail.send()
    result_of(InboxRepository(mail.database).delete(first, now=NOW))
    result_of(OutboxRepository(mail.database).delete(sent.id, now=NOW))
    received, *gone = mail.entries()
    assert isinstance(received, Received)
    assert [(each.message_ids, each.send_ids) for each in gone if isinstance(each, Deleted)] == [
        ([first], []),
        ([], [sent.id]),
    ]
