"""Reading the inbox: what is new to whom, waiting for it, and single messages."""

import json
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from qabel.core.errors import Gone, NotFound, StoreFull
from qabel.core.inbox.message_query import MessageQuery
from qabel.core.inbox.page import Page
from qabel.core.inbox.reader import MAX_WAIT, POLL_PATIENCE
from qabel.core.receiving.full_readings import FULL_READ_INTERVAL
from qabel.core.sending.compose import Draft
from qabel.core.service import CoreService
from qabel.deferreds import result_of
from qabel.drop.url import DropURL
from tests.core.conftest import ClockedWorld


@pytest.fixture
def friends(clocked: ClockedWorld) -> tuple[CoreService, CoreService]:
    """Return Alice and Bob, to whom she writes."""
    return clocked.run(clocked.friends())


@pytest.fixture
def alice(friends: tuple[CoreService, CoreService]) -> CoreService:
    """Return the one who writes."""
    return friends[0]


@pytest.fixture
def bob(friends: tuple[CoreService, CoreService]) -> CoreService:
    """Return the one who reads."""
    return friends[1]


def write(clocked: ClockedWorld, alice: CoreService, bob: CoreService, *texts: str) -> None:
    """Have messages written and received."""
    for text in texts:
        clocked.run(clocked.say(alice, text))
    [drop] = bob.people.identities()[0].drops
    clocked.run(bob.receiver.read(DropURL.parse(drop)))


def read(clocked: ClockedWorld, bob: CoreService, **query: Any) -> Page:
    """Read a page, and leave the cursor where it is."""
    return clocked.run(bob.inbox.read(MessageQuery(**query)))


def texts(page: Page) -> list[str]:
    """Return what is written in the messages of a page."""
    return [each["data"]["msg"] for each in json.loads(page.body or b"[]")]


def test_messages_are_new_until_they_are_handed_over(
    clocked: ClockedWorld, alice: CoreService, bob: CoreService
) -> None:
    """A page comes again until it was handed over; then what is after it comes."""
    write(clocked, alice, bob, "a", "b", "c")
    first = read(clocked, bob, limit=2)
    assert texts(first) == texts(read(clocked, bob, limit=2)) == ["a", "b"]
    clocked.run(first.handed_over())
    second = read(clocked, bob)
    assert texts(second) == ["c"]
    clocked.run(second.handed_over())
    nothing = read(clocked, bob)
    assert (nothing.body, nothing.latest) == (None, bob.journal.newest)


def test_handing_over_an_older_page_again(
    clocked: ClockedWorld, alice: CoreService, bob: CoreService
) -> None:
    """The cursor never moves back."""
    write(clocked, alice, bob, "a", "b")
    older, newer = read(clocked, bob, limit=1), read(clocked, bob)
    clocked.run(newer.handed_over())
    clocked.run(older.handed_over())
    assert texts(read(clocked, bob)) == []


def test_consumers_have_cursors_of_their_own(
    clocked: ClockedWorld, alice: CoreService, bob: CoreService
) -> None:
    """What one consumer has read is new to another, also to the same with other conditions."""
    write(clocked, alice, bob, "a")
    clocked.run(read(clocked, bob).handed_over())
    assert texts(read(clocked, bob, consumer="other")) == ["a"]
    assert texts(read(clocked, bob, model_object="chat")) == ["a"]
    assert texts(read(clocked, bob, model_object="picture", consumer="other")) == []


def test_queries_narrow(clocked: ClockedWorld, alice: CoreService, bob: CoreService) -> None:
    """Only the messages that meet all conditions are in a page."""
    identity, contact = clocked.ids(alice)
    clocked.run(alice.outbox.send([contact], identity, Draft("picture", {"msg": "p"})))
    write(clocked, alice, bob, "a")
    assert texts(read(clocked, bob, model_object="picture")) == ["p"]
    assert texts(read(clocked, bob, identity=1, contact=1)) == ["p", "a"]
    assert texts(read(clocked, bob, contact=2)) == []


def test_reading_from_a_cursor_moves_nothing(
    clocked: ClockedWorld, alice: CoreService, bob: CoreService
) -> None:
    """With a cursor the messages after it are read, however often, and stay new."""
    write(clocked, alice, bob, "a", "b")
    first = read(clocked, bob, limit=1)
    given = read(clocked, bob, since=first.latest)
    assert texts(given) == ["b"]
    clocked.run(given.handed_over())
    assert texts(read(clocked, bob)) == ["a", "b"]


def test_a_cursor_of_another_database_is_gone(clocked: ClockedWorld, bob: CoreService) -> None:
    """A cursor that this database did not give raises Gone."""
    with pytest.raises(Gone):
        read(clocked, bob, since="0123456789abcdef.1")


def test_cursors_survive_a_restart(
    clocked: ClockedWorld, alice: CoreService, bob: CoreService
) -> None:
    """What was handed over before a restart is not new after it."""
    write(clocked, alice, bob, "a")
    clocked.run(read(clocked, bob).handed_over())
    clocked.run(clocked.close())
    bob = clocked.run(clocked.core("Bob"))
    assert texts(read(clocked, bob)) == []
    assert texts(read(clocked, bob, consumer="other")) == ["a"]


def test_readers_that_stay_away_are_forgotten(
    clocked: ClockedWorld, alice: CoreService, bob: CoreService
) -> None:
    """All is new again to a reader whose cursor was last moved before a time; others stay."""
    write(clocked, alice, bob, "a")
    clocked.run(read(clocked, bob, consumer="gone").handed_over())
    clocked.clock.advance(100)
    clocked.run(read(clocked, bob, consumer="here").handed_over())
    clocked.run(bob.inbox.expire(clocked.now() - 50))
    assert texts(read(clocked, bob, consumer="gone")) == ["a"]
    assert texts(read(clocked, bob, consumer="here")) == []


def test_a_cursor_that_cannot_be_kept(
    clocked: ClockedWorld, alice: CoreService, bob: CoreService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a full disk messages are new again after a restart, but not before."""
    write(clocked, alice, bob, "a")

    def full(*_: object, **__: object) -> None:
        raise StoreFull("There is no space.")

    monkeypatch.setattr(type(bob._base.cursors), "move", full)
    clocked.run(read(clocked, bob).handed_over())
    assert texts(read(clocked, bob)) == []
    clocked.run(clocked.close())
    bob = clocked.run(clocked.core("Bob"))
    assert texts(read(clocked, bob)) == ["a"]


def test_a_reader_waits_for_something_new(
    clocked: ClockedWorld, alice: CoreService, bob: CoreService
) -> None:
    """A reader that waits is answered as soon as a message is there."""
    waiting = Deferred.fromCoroutine(bob.inbox.read(MessageQuery(), wait=30))
    clocked.clock.advance(1)
    assert not waiting.called
    write(clocked, alice, bob, "a")
    assert texts(result_of(waiting)) == ["a"]


def test_a_reader_goes_on_waiting_for_what_it_wants(
    clocked: ClockedWorld, alice: CoreService, bob: CoreService
) -> None:
    """News that a reader did not ask for does not end its wait, nor make it longer."""
    waiting = Deferred.fromCoroutine(bob.inbox.read(MessageQuery(model_object="picture"), wait=30))
    clocked.clock.advance(20)
    write(clocked, alice, bob, "a")
    assert not waiting.called
    clocked.clock.advance(10)
    assert result_of(waiting).body is None


@pytest.mark.parametrize(("wait", "waits"), [(10, 10), (10 * MAX_WAIT, MAX_WAIT)])
def test_a_reader_waits_for_so_long(
    clocked: ClockedWorld, bob: CoreService, wait: float, waits: float
) -> None:
    """A wait without news ends after the time that was asked for, or the longest there may be."""
    waiting = Deferred.fromCoroutine(bob.inbox.read(MessageQuery(), wait=wait))
    clocked.clock.advance(waits - 0.5)
    assert not waiting.called
    clocked.clock.advance(0.5)
    page = result_of(waiting)
    assert (page.body, page.latest) == (None, bob.journal.newest)


def test_polling_first(clocked: ClockedWorld, alice: CoreService, bob: CoreService) -> None:
    """Who has the drop servers polled first reads what they have; others read what is here."""
    clocked.run(clocked.say(alice, "a"))
    assert texts(read(clocked, bob)) == []
    assert texts(clocked.run(bob.inbox.read(MessageQuery(), poll_first=True))) == ["a"]


def test_a_server_that_hangs_holds_nobody_up(
    clocked: ClockedWorld, alice: CoreService, bob: CoreService
) -> None:
    """Who has the drop servers polled first is answered also when one of them never is."""
    write(clocked, alice, bob, "a")
    clocked.drop_servers.hanging = Deferred()
    waiting = Deferred.fromCoroutine(bob.inbox.read(MessageQuery(), poll_first=True))
    clocked.clock.advance(POLL_PATIENCE - 0.5)
    assert not waiting.called
    clocked.clock.advance(0.5)
    assert texts(result_of(waiting)) == ["a"]
    clocked.drop_servers.hanging.callback(None)


def test_two_connections_of_a_reader_take_turns(
    clocked: ClockedWorld, alice: CoreService, bob: CoreService
) -> None:
    """In turn, a message that is on its way to one connection is not given to another."""
    write(clocked, alice, bob, "a", "b")
    arrived: Deferred[None] = Deferred()
    first = clocked.run(bob.inbox.read(MessageQuery(limit=1), in_turn=True))
    first.on_its_way(arrived)
    waiting = Deferred.fromCoroutine(bob.inbox.read(MessageQuery(), in_turn=True))
    assert not waiting.called
    given = clocked.run(bob.inbox.read(MessageQuery(since="0"), in_turn=True))
    assert texts(given) == ["a", "b"]
    arrived.callback(None)
    assert texts(result_of(waiting)) == ["b"]


def test_nothing_new_touches_no_disk(
    clocked: ClockedWorld, alice: CoreService, bob: CoreService
) -> None:
    """A reader that is up to date is answered from memory, also when the newest were deleted."""
    write(clocked, alice, bob, "a", "b")
    page = read(clocked, bob, limit=1)
    clocked.run(page.handed_over())
    [last] = json.loads(read(clocked, bob).body or b"")
    clocked.run(bob.inbox.delete(last["id"]))
    assert texts(read(clocked, bob)) == []
    result_of(bob._base.database.close())
    assert texts(read(clocked, bob)) == []


def test_one_message(clocked: ClockedWorld, alice: CoreService, bob: CoreService) -> None:
    """A message can be read by its id, with what the list has of it."""
    write(clocked, alice, bob, "a")
    [listed] = json.loads(read(clocked, bob).body or b"")
    message = clocked.run(bob.inbox.message(listed["id"]))
    assert json.loads(bytes(message.data)) == {"msg": "a"}
    assert (message.sender, message.identity_id, message.contact_id) == (
        listed["sender"],
        listed["identity_id"],
        listed["contact_id"],
    )
    with pytest.raises(NotFound):
        clocked.run(bob.inbox.message(listed["id"] + 1))


def test_a_deleted_message_does_not_come_back(
    clocked: ClockedWorld, alice: CoreService, bob: CoreService
) -> None:
    """A deleted message is gone for every reader, and does not come again with a full reading."""
    write(clocked, alice, bob, "a", "b")
    [first, _] = json.loads(read(clocked, bob).body or b"")
    clocked.run(bob.inbox.delete(first["id"]))
    assert bob.inbox.messages == 1
    clocked.clock.advance(FULL_READ_INTERVAL)
    assert clocked.drop_servers.fetched[-1] is None
    assert texts(read(clocked, bob)) == ["b"]
    with pytest.raises(NotFound):
        clocked.run(bob.inbox.delete(first["id"]))
