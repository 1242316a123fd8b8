"""Sealing what was stored unsealed: once, and stored before it is posted."""

from collections.abc import Sequence
from typing import Any

import pytest
from attrs import evolve
from twisted.internet.defer import Deferred

from qabel.core.errors import Invalid, NotFound, StoreFull, TooLarge
from qabel.core.sending.compose import Draft
from qabel.core.sending.outbox import ToSend
from qabel.core.sending.sealing import CannotSeal, Sealer
from qabel.core.service import CoreService
from qabel.deferreds import result_of
from qabel.drop.acknowledgement import DROP_MODEL
from qabel.store.modules.progress import Written
from qabel.store.outbox.adding import KeyedSend, add_keyed
from qabel.store.outbox.repository import OutboxRepository
from qabel.store.outbox.sends import DeliveryState
from tests.core.conftest import ClockedWorld


@pytest.fixture
def alice(clocked: ClockedWorld) -> CoreService:
    """Return somebody who knows Bob."""
    return clocked.run(clocked.friends())[0]


def hand_over(
    clocked: ClockedWorld,
    core: CoreService,
    *texts: str,
    kind: str = "note",
    key: str | None = None,
) -> Written | None:
    """Send messages to the only contact, as modules do."""
    identity, contact = clocked.ids(core)
    messages = [
        ToSend(
            sender=identity,
            recipient=contact,
            draft=Draft(kind, {"msg": each}, acknowledge_id="auto"),
            idempotency_key=key,
        )
        for each in texts
    ]

    def store(new: Sequence[KeyedSend]) -> "Deferred[Written]":
        return core.database.run(
            lambda connection: Written(0, add_keyed(connection, new, int(clocked.now() * 1000)))
        )

    return clocked.run(core.outbox.hand_over("notes", messages, store))


def heard(clocked: ClockedWorld, alice: CoreService) -> list[Any]:
    """Return all messages that Bob has, by time stamp and text."""
    [bob] = [each for each in clocked.cores if each is not alice]
    found = clocked.run(clocked.heard(bob))
    return [(each["time_stamp"], each["data"]["msg"]) for each in found]


def states(clocked: ClockedWorld, core: CoreService) -> list[tuple[DeliveryState, str | None]]:
    """Return state and reason of all that was sent."""
    return [
        (each.state, each.reason)
        for send in clocked.run(core.outbox.sends())
        for each in send.recipients
    ]


def test_in_their_order(clocked: ClockedWorld, alice: CoreService) -> None:
    """Messages that are handed over arrive in their order, with rising time stamps."""
    texts = [str(number) for number in range(5)]
    hand_over(clocked, alice, *texts)
    found = heard(clocked, alice)
    assert [text for _, text in found] == texts
    times = [time for time, _ in found]
    assert times == list(range(times[0], times[0] + 5))
    assert states(clocked, alice) == [(DeliveryState.SENT, None)] * 5


@pytest.mark.parametrize("away", [False, True])
def test_the_same_box_each_time(
    clocked: ClockedWorld, alice: CoreService, monkeypatch: pytest.MonkeyPatch, away: bool
) -> None:
    """The box is on the disk before it is posted, and posted again as it is."""
    posted: list[tuple[bytes, list[Any]]] = []
    post = type(clocked.drop_servers).post

    [contact] = alice.people.contacts()

    async def note(servers: Any, url: Any, message: bytes) -> None:
        if str(url) in (contact.drop_urls or ()):
            stored = await alice.database.run(
                lambda c: c.execute("SELECT sealed FROM deliveries").fetchall()
            )
            posted.append((message, [row[0] for row in stored]))
        await post(servers, url, message)

    monkeypatch.setattr(type(clocked.drop_servers), "post", note)
    clocked.drop_servers.is_away = away
    hand_over(clocked, alice, "Hello")
    clocked.clock.pump([10.0] * 3)
    clocked.drop_servers.is_away = False
    clocked.clock.pump([60.0] * 5)
    assert len(posted) > 1 if away else len(posted) == 1
    assert {message for message, _ in posted} == {posted[0][0]}
    assert all(stored == [message] for message, stored in posted)


def test_a_full_disk(
    clocked: ClockedWorld, alice: CoreService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is posted whose box cannot be stored; it is tried again."""

    def full(*_: object) -> None:
        raise StoreFull("There is no space.")

    with monkeypatch.context() as patched:
        patched.setattr(OutboxRepository, "keep_boxes", full)
        hand_over(clocked, alice, "Hello")
        assert clocked.drop_servers.posted == []
        assert states(clocked, alice) == [(DeliveryState.QUEUED, "There is no space.")]
    clocked.clock.pump([10.0] * 3)
    assert states(clocked, alice) == [(DeliveryState.SENT, None)]


def test_an_introduction(clocked: ClockedWorld, alice: CoreService) -> None:
    """Who does not know the sender gets an introduction, as it is when the message is sealed."""
    [bob] = [each for each in clocked.cores if each is not alice]
    clocked.run(bob.people.delete_contact(bob.people.contacts()[0].id))
    clocked.drop_servers.is_away = True
    hand_over(clocked, alice, "Hello")
    [send] = clocked.run(alice.outbox.sends())
    clocked.drop_servers.is_away = False
    clocked.clock.pump([60.0] * 3)
    [message] = clocked.run(clocked.heard(bob))
    assert (message["meta_data"]["alias"], send.recipients[0].introduced) == ("Alice", True)


def test_what_cannot_be_handed_over(clocked: ClockedWorld, alice: CoreService) -> None:
    """If one message cannot be sent, nothing is stored."""
    for error, given in (
        (TooLarge, {"texts": ("Hello", "x" * 2048)}),
        (Invalid, {"texts": ("Hello",), "kind": DROP_MODEL}),
    ):
        with pytest.raises(error):
            hand_over(clocked, alice, *given.pop("texts"), **given)  # type: ignore[arg-type]
    [contact] = alice.people.contacts()
    clocked.run(alice.people.delete_contact(contact.id))
    identity = alice.people.identities()[0].id
    message = ToSend(sender=identity, recipient=contact.public_key, draft=Draft("note", {}))
    with pytest.raises(NotFound):
        clocked.run(alice.outbox.hand_over("notes", [message], lambda _: Deferred()))
    assert clocked.run(alice.outbox.sends()) == []


def test_a_key_of_a_module(clocked: ClockedWorld, alice: CoreService) -> None:
    """The same message under the same key is sent once, also if a client uses that key."""
    for _ in range(2):
        hand_over(clocked, alice, "Hello", key="k")
    identity, contact = clocked.ids(alice)
    draft = Draft("note", {"msg": "Hello"})
    clocked.run(alice.outbox.send([contact], identity, draft, idempotency_key="k"))
    assert [text for _, text in heard(clocked, alice)] == ["Hello", "Hello"]


def test_who_is_gone(clocked: ClockedWorld, alice: CoreService) -> None:
    """Without its sender or its recipient nothing is sealed, and the error says so."""
    clocked.drop_servers.is_away = True
    written = hand_over(clocked, alice, "Hello")
    assert written is not None
    [posting] = written.ready
    unseal = "UPDATE deliveries SET sealed = NULL"
    result_of(alice.database.run(lambda connection: connection.execute(unseal)))
    synced, base = alice.synced.value, alice._base
    repository = OutboxRepository(base.database)
    for gone in (evolve(synced, contacts=()), evolve(synced, identities=())):
        sealer = Sealer(repository, base.workers, lambda gone=gone: gone)
        with pytest.raises(CannotSeal):
            clocked.run(sealer.box(posting))
