"""The outbox: what is answered to a client is on the disk, and is tried until it is settled."""

import json
from typing import Any

import pytest
from attrs import evolve
from twisted.internet.defer import Deferred

from qabel.core.errors import Conflict, Invalid, NotFound, StoreFull, TooLarge
from qabel.core.sending.compose import Draft
from qabel.core.sending.outcomes import PATIENCE
from qabel.core.sending.views import OutcomeView
from qabel.core.service import CoreService
from qabel.crypto import PrivateKey
from qabel.deferreds import result_of
from qabel.drop.url import DropURL
from qabel.store.outbox.repository import OutboxRepository
from qabel.store.outbox.sends import DeliveryState
from qabel.testing.correspondents import SERVER
from qabel.testing.drop_servers import MemoryDropServers
from tests.core.conftest import ClockedWorld

HELLO = Draft("chat", {"msg": "Hello"})


@pytest.fixture
def alice(clocked: ClockedWorld) -> CoreService:
    """Return somebody who knows Bob."""
    return clocked.run(clocked.friends())[0]


def send(
    clocked: ClockedWorld, core: CoreService, draft: Draft = HELLO, **more: Any
) -> OutcomeView:
    """Send a message to the only contact, and wait as long as a client does."""
    identity, contact = clocked.ids(core)
    sending = Deferred.fromCoroutine(core.outbox.send([contact], identity, draft, **more))
    if not sending.called:
        clocked.clock.advance(PATIENCE)
    return result_of(sending)


def states(outcome: OutcomeView) -> list[DeliveryState]:
    """Return the states of an outcome, recipient by recipient."""
    return [each.state for each in outcome.recipients]


def test_a_message_that_is_taken(clocked: ClockedWorld, alice: CoreService) -> None:
    """When the server takes a message at once, the outcome says so, and the outbox shows it."""
    outcome = send(clocked, alice)
    assert states(outcome) == [DeliveryState.SENT]
    assert outcome.is_complete
    [shown] = clocked.run(alice.outbox.sends())
    assert shown == clocked.run(alice.outbox.get(outcome.id))
    assert json.loads(bytes(shown.message or b""))["data"] == {"msg": "Hello"}
    [recipient] = shown.recipients
    assert recipient.recipient == alice.people.contacts()[0].public_key
    assert (recipient.state, recipient.acknowledged) == (DeliveryState.SENT, None)
    assert recipient.settled == int(clocked.now() * 1000)


def test_a_message_that_is_refused(clocked: ClockedWorld, alice: CoreService) -> None:
    """A message that the server refuses for good is failed, with the server's reason."""
    clocked.drop_servers.is_refusing = True
    outcome = send(clocked, alice)
    assert states(outcome) == [DeliveryState.FAILED]
    [recipient] = clocked.run(alice.outbox.get(outcome.id)).recipients
    assert recipient.state == DeliveryState.FAILED
    assert "400" in (recipient.reason or "")
    clocked.drop_servers.is_refusing = False
    clocked.clock.pump([600.0] * 5)
    assert clocked.drop_servers.posted == []


def test_a_server_that_is_away(clocked: ClockedWorld, alice: CoreService) -> None:
    """A message that cannot be posted is queued, with the reason, and posted when it can be."""
    clocked.drop_servers.is_away = True
    outcome = send(clocked, alice)
    assert states(outcome) == [DeliveryState.QUEUED]
    assert outcome.recipients[0].reason
    [recipient] = clocked.run(alice.outbox.get(outcome.id)).recipients
    assert recipient.attempts > 0
    assert (recipient.next_attempt or 0) > clocked.now() * 1000 - 60_000
    clocked.drop_servers.is_away = False
    clocked.clock.pump([10.0] * 10)
    assert len(clocked.drop_servers.posted) == 1
    [recipient] = clocked.run(alice.outbox.get(outcome.id)).recipients
    assert recipient.state == DeliveryState.SENT


def test_nobody_waits_for_a_server_in_trouble(clocked: ClockedWorld, alice: CoreService) -> None:
    """Once a server is known to be away, a message for it is queued without any waiting."""
    clocked.drop_servers.is_away = True
    send(clocked, alice)
    identity, contact = clocked.ids(alice)
    sending = Deferred.fromCoroutine(alice.outbox.send([contact], identity, HELLO))
    assert states(result_of(sending)) == [DeliveryState.QUEUED]


def test_a_server_that_says_nothing(
    clocked: ClockedWorld, alice: CoreService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client waits for a silent server for some seconds, and the message is kept."""
    hanging: Deferred[None] = Deferred()
    monkeypatch.setattr(MemoryDropServers, "post", lambda *_: hanging)
    identity, contact = clocked.ids(alice)
    sending = Deferred.fromCoroutine(alice.outbox.send([contact], identity, HELLO))
    clocked.clock.advance(PATIENCE - 0.5)
    assert not sending.called
    clocked.clock.advance(0.5)
    outcome = result_of(sending)
    assert states(outcome) == [DeliveryState.QUEUED]
    hanging.callback(None)
    [recipient] = clocked.run(alice.outbox.get(outcome.id)).recipients
    assert recipient.state == DeliveryState.SENT


def test_who_hangs_up_stops_nothing(
    clocked: ClockedWorld, alice: CoreService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message whose client has gone away is sent, and the answer kept for who asks again."""
    hanging: Deferred[None] = Deferred()
    monkeypatch.setattr(MemoryDropServers, "post", lambda *_: hanging)
    identity, contact = clocked.ids(alice)
    sending = Deferred.fromCoroutine(
        alice.outbox.send([contact], identity, HELLO, idempotency_key="k")
    )
    sending.addErrback(lambda _: None)
    sending.cancel()
    hanging.callback(None)
    [shown] = clocked.run(alice.outbox.sends())
    assert [each.state for each in shown.recipients] == [DeliveryState.SENT]
    assert states(send(clocked, alice, idempotency_key="k")) == [DeliveryState.SENT]


def test_several_drops_of_a_recipient(clocked: ClockedWorld, alice: CoreService) -> None:
    """A message is left in each drop of its recipient, and sent when all have it."""
    urls = [DropURL.on_server(SERVER) for _ in range(2)]
    [contact] = alice.people.contacts()
    clocked.run(alice.people.change_contact(contact.id, {"drop_urls": urls}))
    assert send(clocked, alice).is_complete
    assert {url for url, _ in clocked.drop_servers.posted} == set(map(str, urls))
    assert len({message for _, message in clocked.drop_servers.posted}) == 1


def test_several_recipients(clocked: ClockedWorld, alice: CoreService) -> None:
    """Each recipient has an outcome of its own, and gets a box of its own."""
    carol = clocked.run(clocked.person("Carol"))
    clocked.run(alice.cards.import_contacts(None, carol.cards.contact_file(1)))
    ids = [each.id for each in alice.people.contacts()]
    outcome = clocked.run(alice.outbox.send(ids, 1, HELLO))
    assert [each.contact_id for each in outcome.recipients] == ids
    assert states(outcome) == [DeliveryState.SENT] * 2
    assert len({message for _, message in clocked.drop_servers.posted}) == 2


def test_a_repeated_request(clocked: ClockedWorld, alice: CoreService) -> None:
    """The same request with the same key is answered as the first time, and sends nothing."""
    first = send(clocked, alice, idempotency_key="k")
    clocked.clock.advance(60)
    assert send(clocked, alice, idempotency_key="k") == first
    assert len(clocked.drop_servers.posted) == 1
    assert send(clocked, alice, idempotency_key="other").id != first.id


def test_another_request_with_the_same_key(clocked: ClockedWorld, alice: CoreService) -> None:
    """A key that was used for something else is refused, and nothing is sent."""
    send(clocked, alice, idempotency_key="k")
    with pytest.raises(Conflict):
        send(clocked, alice, Draft("chat", {"msg": "other"}), idempotency_key="k")
    assert len(clocked.drop_servers.posted) == 1


def test_an_answer_that_was_lost(
    clocked: ClockedWorld, alice: CoreService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the first answer could not be kept, a repeated request gets what holds by now."""

    def full(*_: object) -> None:
        raise StoreFull("There is no space.")

    with monkeypatch.context() as patched:
        patched.setattr(OutboxRepository, "answered", full)
        first = send(clocked, alice, idempotency_key="k")
    again = send(clocked, alice, idempotency_key="k")
    assert (again.id, states(again)) == (first.id, [DeliveryState.SENT])
    clocked.run(alice.outbox.delete(first.id))
    with pytest.raises(NotFound):
        send(clocked, alice, idempotency_key="k")


@pytest.mark.parametrize(
    ("recipients", "sender", "draft", "error"),
    [
        ([], 1, HELLO, Invalid),
        ([1], 99, HELLO, Invalid),
        ([99], 1, HELLO, NotFound),
        ([1, 99], 1, HELLO, NotFound),
        ([PrivateKey.generate().public_key.hex], 1, HELLO, NotFound),
        ([1], 1, Draft("chat", {"a": "x" * 2048}), TooLarge),
        ([1], 1, evolve(HELLO, receiver="0" * 64), Invalid),
        ([1], 1, evolve(HELLO, sender="0" * 64), Invalid),
    ],
)
def test_what_cannot_be_sent(
    clocked: ClockedWorld,
    alice: CoreService,
    recipients: list[int | str],
    sender: int,
    draft: Draft,
    error: type[Exception],
) -> None:
    """A send with anything wrong raises its error; nothing is kept, and nothing leaves."""
    with pytest.raises(error):
        clocked.run(alice.outbox.send(recipients, sender, draft))
    assert clocked.run(alice.outbox.sends()) == []
    assert clocked.drop_servers.posted == []


def test_sends_are_listed_page_by_page(clocked: ClockedWorld, alice: CoreService) -> None:
    """Sends are listed oldest first, from an id on."""
    ids = [send(clocked, alice).id for _ in range(3)]
    assert [each.id for each in clocked.run(alice.outbox.sends())] == ids
    assert [each.id for each in clocked.run(alice.outbox.sends(ids[0], 1))] == [ids[1]]
    assert clocked.run(alice.outbox.sends(ids[2])) == []


def test_a_deleted_send_is_never_posted(clocked: ClockedWorld, alice: CoreService) -> None:
    """What is deleted before it was posted never is, and what stood behind it moves up."""
    clocked.drop_servers.is_away = True
    first, second = send(clocked, alice), send(clocked, alice, Draft("chat", {"msg": "second"}))
    clocked.run(alice.outbox.delete(first.id))
    clocked.drop_servers.is_away = False
    clocked.clock.pump([60.0] * 20)
    assert [each.id for each in clocked.run(alice.outbox.sends())] == [second.id]
    [bob] = [each for each in clocked.cores if each is not alice]
    assert [each["data"] for each in clocked.run(clocked.heard(bob))] == [{"msg": "second"}]
    for unknown in (first.id, 99):
        with pytest.raises(NotFound):
            clocked.run(alice.outbox.delete(unknown))
        with pytest.raises(NotFound):
            clocked.run(alice.outbox.get(unknown))


def stamps(clocked: ClockedWorld, core: CoreService) -> list[int]:
    """Return the time stamps of all messages, in the order of the outbox."""
    shown = clocked.run(core.outbox.sends(limit=1000))
    return [json.loads(bytes(each.message or b""))["time_stamp"] for each in shown]


def test_time_stamps_rise(clocked: ClockedWorld, alice: CoreService) -> None:
    """Messages of one moment, and those after the clock was set back, have rising time stamps."""
    for _ in range(3):
        send(clocked, alice)
    alice._base.stamps._now = lambda: clocked.now() - 3600
    for _ in range(3):
        send(clocked, alice)
    found = stamps(clocked, alice)
    assert found == sorted(set(found))
    again = result_of(OutboxRepository(alice._base.database).newest_time_stamps())
    assert list(again.values()) == [found[-1]]


def test_time_stamps_rise_in_the_order_of_the_outbox(
    clocked: ClockedWorld, alice: CoreService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message that is sealed sooner than an earlier one is stored after it all the same."""
    sealing: list[Deferred[None]] = []
    run = alice._base.workers.run

    def later(function: Any, *args: Any) -> "Deferred[Any]":
        waiting: Deferred[None] = Deferred()
        sealing.append(waiting)
        return waiting.addCallback(lambda _: run(function, *args))

    identity, contact = clocked.ids(alice)
    with monkeypatch.context() as patched:
        patched.setattr(type(alice._base.workers), "run", lambda _, *args: later(*args))
        sending = [
            Deferred.fromCoroutine(alice.outbox.send([contact], identity, HELLO)) for _ in range(3)
        ]
        for each in reversed(sealing):
            each.callback(None)
    assert [result_of(each).id for each in sending] == [1, 2, 3]
    found = stamps(clocked, alice)
    assert found == sorted(set(found))
