"""Checked sends: whom a message goes to, its size, and what the outbox keeps of it."""

from typing import Any

import pytest
from attrs import evolve

from qabel.contract.access import EVERYTHING, Access, OneIdentity
from qabel.core.errors import Invalid, NotFound, TooLarge
from qabel.core.people.references import Reference
from qabel.core.sending.checked_send import MAX_RECIPIENTS, CheckedSend, check_send
from qabel.core.sending.compose import Draft
from qabel.core.sending.introductions import ALWAYS, AUTO, NEVER, Introducing
from qabel.core.sending.time_stamps import TimeStamps
from qabel.crypto import PublicKey
from qabel.drop.transport import MESSAGE_SIZE, TEXT_SIZE, Opened, Opener
from qabel.jsontext import parse
from qabel.settings.stored import UnusableKey
from qabel.settings.synced import SyncedSettings
from tests.core.items import contact, drop, identity, key

NOW = 1_800_000_000.0
LOW_ORDER = PublicKey(bytes(32))
UNUSABLE = UnusableKey(bytes([*key(5).public_key.raw[:31], key(5).public_key.raw[31] | 0x80]))
SYNCED = SyncedSettings(
    identities=(identity(1), identity(2)),
    contacts=(
        contact(5, 1),
        contact(6, 1, drop_urls=(drop(6), drop(66))),
        contact(7, 1, drop_urls=()),
        contact(8, 2),
        contact(9, 1, deleted=5),
        contact(10, 1, public_key=LOW_ORDER),
        contact(11, 1, public_key=UNUSABLE),
    ),
)
HELLO = Draft("chat", {"msg": "Hello"})


def check(
    *recipients: Reference,
    sender: Reference = 1,
    draft: Draft = HELLO,
    access: Access = EVERYTHING,
) -> CheckedSend:
    """Check a send from the first identity."""
    return check_send(
        SYNCED, recipients, sender, draft, access=access, stamps=TimeStamps(lambda: NOW)
    )


def data_of_size(size: int) -> Draft:
    """Return a draft whose message has so many bytes of JSON."""
    rest = len(check(5, draft=Draft("chat", {"msg": ""}, time_stamp=1)).text)
    return Draft("chat", {"msg": "x" * (size - rest)}, time_stamp=1)


def test_parties_are_found_by_each_reference() -> None:
    """Sender and recipients may be named by id or key, and come in the order given."""
    checked = check(6, key(5).public_key.hex, sender=key(1).public_key)
    assert checked.identity == identity(1)
    assert [each.id for each in checked.contacts] == [6, 5]


def test_a_recipient_named_twice_gets_one_message() -> None:
    """The same contact under several names is one recipient."""
    assert [each.id for each in check(5, "5", key(5).public_key).contacts] == [5]


@pytest.mark.parametrize("sender", [99, "nonsense", key(9).public_key])
def test_an_unknown_sender(sender: Reference) -> None:
    """Only an identity of the user's can send."""
    with pytest.raises(Invalid) as raised:
        check(5, sender=sender)
    assert [error.key for error in raised.value.errors] == ["sender"]


def test_a_restricted_sender() -> None:
    """Who is restricted to one identity sends as that one, and another is as good as unknown."""

    def limited(number: int, owner: int) -> Access:
        only = OneIdentity(number, key(owner).public_key.raw)
        return Access(frozenset({"send"}), only, 3)

    assert check(5, access=limited(1, 1)).to_keep([b""]).token_id == 3
    for number, owner in ((2, 2), (1, 2)):
        with pytest.raises(Invalid):
            check(5, access=limited(number, owner))


@pytest.mark.parametrize("recipient", [8, 9, 99, "nonsense", key(20).public_key])
def test_who_is_no_contact(recipient: Reference) -> None:
    """Contacts of other identities, deleted and unknown ones are not found."""
    with pytest.raises(NotFound):
        check(5, recipient)


def test_recipients_without_a_drop() -> None:
    """Each recipient that has no drop URL is named by its position."""
    with pytest.raises(Invalid) as raised:
        check(5, 7)
    assert [error.key for error in raised.value.errors] == ["recipients.1"]


@pytest.mark.parametrize("recipients", [[], [5] * (MAX_RECIPIENTS + 1)])
def test_the_number_of_recipients(recipients: list[Reference]) -> None:
    """There must be a recipient, and there may not be too many."""
    with pytest.raises(Invalid) as raised:
        check(*recipients)
    assert [error.key for error in raised.value.errors] == ["recipients"]


def test_the_largest_message() -> None:
    """A message may fill the transport format, and not a byte more."""
    assert len(check(5, draft=data_of_size(TEXT_SIZE)).text) == TEXT_SIZE
    with pytest.raises(TooLarge) as raised:
        check(5, draft=data_of_size(TEXT_SIZE + 1))
    assert (raised.value.size, raised.value.limit) == (TEXT_SIZE + 1, TEXT_SIZE)


def test_data_that_nobody_could_read() -> None:
    """A message that readers would not accept is not sent."""
    data: dict[str, Any] = {}
    for _ in range(200):
        data = {"x": data}
    with pytest.raises(Invalid) as raised:
        check(5, draft=Draft("chat", data))
    assert [error.key.partition(".")[0] for error in raised.value.errors] == ["drop_message"]


def test_each_recipient_gets_a_box() -> None:
    """The message is sealed for each recipient alone, with what was composed."""
    checked = check(5, 6)
    boxes = checked.seal()
    assert [len(each) for each in boxes] == [MESSAGE_SIZE] * 2
    for number, box in zip((5, 6), boxes, strict=True):
        [verdict] = Opener([key(number)]).open_all([box])
        assert verdict == Opened(key(number).public_key, checked.message)


@pytest.mark.parametrize(("number", "why"), [(10, "low order"), (11, "not canonical")])
def test_a_key_that_cannot_keep_a_secret(number: int, why: str) -> None:
    """A contact whose key is of low order, or not canonical, is refused before anything is kept."""
    with pytest.raises(Invalid) as raised:
        check(5, number).seal()
    [error] = raised.value.errors
    assert error.key == "recipients"
    assert f"contact {number}: the public key is" in error.detail
    assert why in error.detail


def test_another_spelling_of_a_key_names_nobody() -> None:
    """A recipient is not found by another spelling of its key, even if that is stored."""
    with pytest.raises(NotFound):
        check(UNUSABLE.hex)


def test_what_the_outbox_keeps() -> None:
    """The outbox keeps boxes and drop URLs by recipient, and the message as it is shown."""
    checked = check(5, 6, draft=evolve(HELLO, acknowledge_id="mine"))
    kept = checked.to_keep([b"one", b"two"])
    assert (kept.identity_id, kept.sender) == (1, key(1).public_key.raw)
    assert (kept.model_object, kept.acknowledge_id) == ("chat", "mine")
    assert [(each.contact_id, each.sealed, list(each.urls)) for each in kept.deliveries] == [
        (5, b"one", [str(drop(5))]),
        (6, b"two", [str(drop(6)), str(drop(66))]),
    ]
    assert kept.message is not None
    assert parse(kept.message) == {
        "version": 1,
        "time_stamp": int(NOW * 1000),
        "acknowledge_id": "mine",
        "sender": key(1).public_key.hex,
        "model_object": "chat",
        "data": {"msg": "Hello"},
    }


def test_what_is_posted() -> None:
    """There is a posting for each drop URL of each recipient."""
    five, six = key(5).public_key.raw, key(6).public_key.raw
    assert [(each.id, keys) for each, keys in check(5, 6).postings(17)] == [
        (5, [(17, five, str(drop(5)))]),
        (6, [(17, six, str(drop(6))), (17, six, str(drop(66)))]),
    ]


def test_the_text_is_not_shown() -> None:
    """The repr of a checked send, as in a log, has nothing of the message."""
    assert "Hello" not in repr(check(5))


@pytest.mark.parametrize(
    ("rule", "known", "introduced"),
    [
        (AUTO, [], [True, True]),
        (AUTO, [6], [True, False]),
        (ALWAYS, [], [True, True]),
        (NEVER, [], [False, False]),
    ],
)
def test_who_is_told_of_the_sender(rule: str, known: list[int], introduced: list[bool]) -> None:
    """Recipients who know the sender get the message as it was composed, the others more."""
    checked = check_send(
        SYNCED,
        [5, 6],
        1,
        HELLO,
        access=EVERYTHING,
        stamps=TimeStamps(lambda: NOW),
        introducing=Introducing(rule),
    )
    assert checked.asks_who_knows == (rule == AUTO)
    checked = checked.with_introductions([key(each).public_key.raw for each in known])
    boxes = checked.seal()
    kept = checked.to_keep(boxes)
    assert [each.introduced for each in kept.deliveries] == introduced
    for number, box, is_told in zip((5, 6), boxes, introduced, strict=True):
        opened = Opener([key(number)]).open(box)
        assert isinstance(opened, Opened)
        assert (opened.message.meta_data is not None) == is_told
        assert evolve(opened.message, meta_data=None) == checked.message
    assert kept.message is not None
    assert "meta_data" not in parse(kept.message)  # type: ignore[operator]
    assert checked.readdressed(SYNCED).introduced == checked.introduced


def test_introductions_that_do_not_fit() -> None:
    """They are left out where they do not fit, unless they are required."""
    draft = data_of_size(TEXT_SIZE)

    def checked(introducing: Introducing) -> CheckedSend:
        stamps = TimeStamps(lambda: NOW)
        return check_send(
            SYNCED, [5], 1, draft, access=EVERYTHING, stamps=stamps, introducing=introducing
        )

    for rule in (AUTO, ALWAYS):
        assert checked(Introducing(rule)).with_introductions().introduced == {}
    with pytest.raises(TooLarge) as raised:
        checked(Introducing(ALWAYS, is_required=True))
    assert raised.value.size > raised.value.limit
