"""Classifying: opened messages are kept, acknowledged, or noted as reports on our own."""

from typing import Any

import pytest
from attrs import evolve

from qabel.core.acknowledgement_times import AcknowledgementPlan
from qabel.core.receiving.classify import Classified, classify
from qabel.drop.acknowledgement import DROP_MODEL
from qabel.drop.cards import ContactCard, write_meta_data
from qabel.drop.message import NO_ACKNOWLEDGEMENT, DropMessage
from qabel.drop.multipart import Part
from qabel.drop.transport import MESSAGE_SIZE, Opened, Verdict
from qabel.settings.synced import SyncedSettings
from qabel.store.inbox.refused import Reason, pair_digest
from qabel.store.outbox.acknowledgements import NewAcknowledgement
from tests.core.items import contact, drop, identity, key

NOW = 1_800_000_000.25
ME, FRIEND, STRANGER = 1, 5, 9
SYNCED = SyncedSettings(identities=(identity(ME),), contacts=(contact(FRIEND, ME),))

PLAN = AcknowledgementPlan(9_000, 20, lambda mean: mean / 2)


def message(by: int = FRIEND, /, **given: Any) -> DropMessage:
    """Return a message from somebody."""
    values: dict[str, Any] = {
        "time_stamp": 17,
        "sender": key(by).public_key,
        "model_object": "chat",
        "data": b'{"msg":"Hello"}',
    }
    return DropMessage(**{**values, **given})


def opened(each: DropMessage, recipient: int = ME) -> Opened:
    """Return a message as it was opened for somebody."""
    return Opened(key(recipient).public_key, each)


def classified(
    *verdicts: Opened | Verdict, synced: SyncedSettings = SYNCED, date: str | None = None
) -> Classified:
    """Classify messages whose hashes are their positions."""
    fresh = {bytes([place]): Part(b"", date) for place in range(len(verdicts))}
    return classify(fresh, verdicts, synced, NOW, plan=PLAN)


def test_a_message_is_kept() -> None:
    """A message is kept with all that it says, when it came, whose it is and from whom."""
    introduction = write_meta_data(ContactCard("Eve", key(FRIEND).public_key, (drop(FRIEND),)))
    [kept] = classified(opened(message(meta_data=introduction))).messages
    assert (kept.hash, kept.time_stamp, kept.received) == (b"\0", 17, int(NOW * 1000))
    assert (kept.sender, kept.receiver) == (key(FRIEND).public_key.raw, key(ME).public_key.raw)
    assert (kept.identity_id, kept.contact_id) == (ME, FRIEND)
    assert (kept.model_object, kept.data) == ("chat", b'{"msg":"Hello"}')
    assert kept.meta_data == introduction
    assert kept.acknowledgement is None


def test_a_message_from_a_stranger() -> None:
    """A message from nobody that one knows is kept without a contact."""
    [kept] = classified(opened(message(STRANGER))).messages
    assert (kept.identity_id, kept.contact_id) == (ME, None)


@pytest.mark.parametrize("model", ["chat", DROP_MODEL])
def test_blocked_senders(model: str) -> None:
    """Nothing of a blocked key is kept or acknowledged, also if it is a contact's."""
    asked = opened(message(acknowledge_id="please", model_object=model))
    found = classify(
        {b"\0": Part(b"")},
        [asked],
        SYNCED,
        NOW,
        blocked={key(FRIEND).public_key.raw},
        plan=PLAN,
    )
    assert (found.messages, found.receipts, found.foreign) == ([], [], [])
    [passed] = found.blocked
    pair = pair_digest(key(ME).public_key.raw, key(FRIEND).public_key.raw)
    assert (passed.hash, passed.reason, passed.pair) == (b"\0", Reason.BLOCKED, pair)


def test_blocked_contacts() -> None:
    """A contact can be blocked by one identity and heard by another."""
    blocked = evolve(contact(FRIEND, ME), blocked=True)
    people = SyncedSettings(identities=(identity(ME), identity(2)), contacts=(blocked,))
    found = classified(opened(message()), opened(message(), 2), synced=people)
    assert [each.hash for each in found.blocked] == [b"\0"]
    assert [each.identity_id for each in found.messages] == [2]


def test_what_is_not_ours() -> None:
    """What could not be opened is only remembered by its hash, and counted by the reason."""
    found = classified(Verdict.FOREIGN, opened(message()), Verdict.RUBBISH, Verdict.FOREIGN)
    assert found.foreign == [b"\0", b"\2", b"\3"]
    assert found.passed_over == {Verdict.FOREIGN: 2, Verdict.RUBBISH: 1}
    assert [each.hash for each in found.messages] == [b"\1"]


def test_an_identity_that_was_deleted_meanwhile() -> None:
    """A message for an identity that is no longer there is not kept."""
    found = classified(opened(message()), synced=SyncedSettings())
    assert (found.messages, found.foreign) == ([], [b"\0"])


def test_the_order_stays() -> None:
    """Messages are kept in the order in which the server gave them."""
    found = classified(*(opened(message(time_stamp=number)) for number in (3, 1, 2)))
    assert [each.time_stamp for each in found.messages] == [3, 1, 2]


def test_dates_of_our_messages() -> None:
    """The dates that are noted are those of messages for us, if their server stated them."""
    date = "Mon, 23 Nov 2026 12:00:00 GMT"
    assert classified(opened(message()), Verdict.FOREIGN, date=date).dates == [date]
    assert classified(opened(message())).dates == []


@pytest.mark.parametrize(
    "meta_data",
    [
        write_meta_data(ContactCard("Eve", key(STRANGER).public_key, (drop(1),))),
        b"{}",
        b'{"alias":"Eve"}',
    ],
)
def test_only_its_sender_is_introduced(meta_data: bytes) -> None:
    """Meta data about somebody else, or of another form, are not kept; the message is."""
    [kept] = classified(opened(message(meta_data=meta_data))).messages
    assert kept.meta_data is None


def test_a_contact_gets_an_acknowledgement() -> None:
    """A contact that asks is to be sent an acknowledgement with the id, after a random delay."""
    [kept] = classified(opened(message(acknowledge_id="please"))).messages
    assert kept.acknowledgement == NewAcknowledgement(
        identity=key(ME).public_key.raw,
        contact=key(FRIEND).public_key.raw,
        acknowledge_id="please",
        since=9_000,
        delay=10_000,
    )


@pytest.mark.parametrize(
    ("known_kinds", "is_refusal"),
    [(None, False), (frozenset({"chat"}), False), (frozenset({"note"}), True)],
)
def test_a_kind_that_no_module_owns(known_kinds: frozenset[str] | None, is_refusal: bool) -> None:
    """Its message is kept; where such kinds are refused, the sender is told in the same way."""
    asked = opened(message(acknowledge_id="please"))
    found = classify({b"\0": Part(b"")}, [asked], SYNCED, NOW, plan=PLAN, known_kinds=known_kinds)
    [kept] = found.messages
    assert kept.acknowledgement is not None
    assert kept.acknowledgement.is_refusal is is_refusal
    assert kept.acknowledgement.acknowledge_id == "please"


def test_without_a_plan_nobody_gets_one() -> None:
    """Where nothing is to be acknowledged, messages are kept all the same."""
    asked = opened(message(acknowledge_id="please"))
    [kept] = classify({b"\0": Part(b"")}, [asked], SYNCED, NOW, plan=None).messages
    assert kept.acknowledgement is None


@pytest.mark.parametrize(
    ("each", "synced"),
    [
        (message(acknowledge_id=NO_ACKNOWLEDGEMENT), SYNCED),
        (message(acknowledge_id=""), SYNCED),
        (message(STRANGER, acknowledge_id="please"), SYNCED),
        (message(acknowledge_id="x" * MESSAGE_SIZE), SYNCED),
        (
            message(acknowledge_id="please"),
            evolve(SYNCED, contacts=(contact(FRIEND, ME, drop_urls=()),)),
        ),
    ],
    ids=["none wanted", "empty id", "stranger", "id too long", "no drop"],
)
def test_others_get_none(each: DropMessage, synced: SyncedSettings) -> None:
    """Who does not ask, is no contact, or cannot be written to gets no acknowledgement."""
    [kept] = classified(opened(each), synced=synced).messages
    assert kept.acknowledgement is None


def test_a_receipt() -> None:
    """An acknowledgement of our own message is noted, and is no message itself."""
    about = message(model_object=DROP_MODEL, data=b"{}", acknowledge_id="mine")
    found = classified(opened(about))
    assert found.messages == []
    [receipt] = found.receipts
    assert (receipt.hash, receipt.acknowledge_id, receipt.error) == (b"\0", "mine", None)
    assert (receipt.sender, receipt.receiver) == (
        key(FRIEND).public_key.raw,
        key(ME).public_key.raw,
    )
    assert receipt.received == int(NOW * 1000)


@pytest.mark.parametrize(
    ("data", "is_error"),
    [
        (b'{"type":"UNKNOWN_MODULE"}', True),
        (b'{"type":"UNKNOWN_MODULE","more":1}', True),
        (b'{"type":"other"}', False),
        (b'{"type":["UNKNOWN_MODULE"]}', False),
        (b"{}", False),
        (b"[]", False),
        (b"rubbish", False),
    ],
)
def test_a_report_of_an_error(data: bytes, is_error: bool) -> None:
    """A report that the recipient has no module for a message is noted as an error."""
    found = classified(opened(message(model_object=DROP_MODEL, data=data, acknowledge_id="mine")))
    [receipt] = found.receipts
    assert (receipt.error is not None) == is_error


def test_a_receipt_is_never_acknowledged() -> None:
    """Messages about messages are not answered: two daemons would never end."""
    about = message(model_object=DROP_MODEL, data=b"{}", acknowledge_id="mine")
    assert classified(opened(about)).messages == []
