"""Sending several messages as a whole."""

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from qabel.core.errors import Conflict, NotFound, StoreFull, TooLarge
from qabel.core.sending.compose import Draft
from qabel.core.sending.outbox import ToSend
from qabel.core.sending.outcomes import PATIENCE
from qabel.core.sending.views import OutcomeView
from qabel.core.service import CoreService
from qabel.deferreds import result_of
from qabel.drop.transport import TEXT_SIZE
from qabel.store.outbox.repository import OutboxRepository
from qabel.store.outbox.sends import DeliveryState
from tests.core.conftest import ClockedWorld

KEY = ("chat", "key")


@pytest.fixture
def alice(clocked: ClockedWorld) -> CoreService:
    """Return somebody who knows Bob."""
    return clocked.run(clocked.friends())[0]


def send_all(
    clocked: ClockedWorld, core: CoreService, *texts: str, **more: Any
) -> list[OutcomeView]:
    """Send messages to the only contact."""
    identity, contact = clocked.ids(core)
    messages = [
        ToSend(sender=identity, recipient=contact, draft=Draft("note", {"msg": each}))
        for each in texts
    ]
    sending = Deferred.fromCoroutine(core.outbox.send_all(messages, **more))
    if not sending.called:
        clocked.clock.advance(PATIENCE)
    return result_of(sending)


def heard(clocked: ClockedWorld, alice: CoreService) -> list[Any]:
    """Return the texts of all messages that Bob has."""
    [bob] = [each for each in clocked.cores if each is not alice]
    return [each["data"]["msg"] for each in clocked.run(clocked.heard(bob))]


def test_all_in_their_order(clocked: ClockedWorld, alice: CoreService) -> None:
    """All are taken at once, in their order; each has an outcome."""
    texts = [str(number) for number in range(10)]
    outcomes = send_all(clocked, alice, *texts)
    assert [each.id for each in outcomes] == list(range(1, 11))
    assert all(each.is_complete for each in outcomes)
    assert heard(clocked, alice) == texts


def test_a_server_that_is_away(clocked: ClockedWorld, alice: CoreService) -> None:
    """Nobody waits for what stands behind a message that could not be posted."""
    clocked.drop_servers.is_away = True
    before = clocked.clock.seconds()
    outcomes = send_all(clocked, alice, "one", "two", "three")
    assert clocked.clock.seconds() == before
    assert [each.recipients[0].state for each in outcomes] == [DeliveryState.QUEUED] * 3
    assert all(each.recipients[0].reason for each in outcomes)
    clocked.drop_servers.is_away = False
    clocked.clock.pump([60.0] * 3)
    assert heard(clocked, alice) == ["one", "two", "three"]


def test_none_if_one_cannot_be_sent(clocked: ClockedWorld, alice: CoreService) -> None:
    """A message that does not fit keeps all others from being sent."""
    with pytest.raises(TooLarge):
        send_all(clocked, alice, "one", "x" * TEXT_SIZE)
    assert clocked.run(alice.outbox.sends()) == []


def test_a_repeated_request(
    clocked: ClockedWorld, alice: CoreService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is recognized by what it asks for, however it is cut, and gets the first outcomes."""
    first = send_all(clocked, alice, "one", "two", key=KEY, request=["one two"])
    assert send_all(clocked, alice, "onetwo", key=KEY, request=["one two"]) == first
    with pytest.raises(Conflict):
        send_all(clocked, alice, "one", "two", key=KEY)
    assert len(send_all(clocked, alice, "one", key=("files", "key"))) == 1
    assert heard(clocked, alice) == ["one", "two", "one"]

    def full(*_: object) -> None:
        raise StoreFull("There is no space.")

    other = ("chat", "other")
    with monkeypatch.context() as patched:
        patched.setattr(OutboxRepository, "answered", full)
        lost = send_all(clocked, alice, "three", "four", key=other)
    assert send_all(clocked, alice, "three", "four", key=other) == lost
    clocked.run(alice.outbox.delete(lost[1].id))
    with pytest.raises(NotFound):
        send_all(clocked, alice, "three", "four", key=other)


def test_room(clocked: ClockedWorld, alice: CoreService) -> None:
    """There is less room while the recipient may not know the sender, and all of it can be used."""
    identity, contact = clocked.ids(alice)
    empty = len('{\\"msg\\":\\"\\"}')
    for is_known in (False, True):
        room = clocked.run(alice.outbox.room(contact, identity, "note"))
        for size, is_introduced in ((room, not is_known), (room + 1, False)):
            draft = Draft("note", {"msg": "x" * (size - empty)}, acknowledge_id="auto")
            sending = alice.outbox.send([contact], identity, draft)
            if is_known and size > room:
                with pytest.raises(TooLarge):
                    clocked.run(sending)
            else:
                assert clocked.run(sending).recipients[0].introduced is is_introduced
        [bob] = [each for each in clocked.cores if each is not alice]
        clocked.run(clocked.say(bob, "Hello"))
        clocked.run(clocked.heard(alice))
