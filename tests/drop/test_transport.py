"""Sealed messages of 2149 bytes, checked against test vectors from Qabel's Java core."""

import json
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.crypto import InvalidKey, PrivateKey, PublicKey
from qabel.drop.message import DropMessage, decode, encode
from qabel.drop.transport import (
    MESSAGE_SIZE,
    TEXT_SIZE,
    MessageTooLarge,
    Opened,
    Opener,
    Verdict,
    may_be_ours,
    seal_message,
)
from qabel.settings.stored import UnusableKey

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "qabel-core.json").read_text(encoding="utf-8")
)
MESSAGES = VECTORS["drop_messages"] + VECTORS["drop_messages_bad"]
CORE_TEST = VECTORS["known_answers_of_core_tests"]["DropMessageCryptorUtilTest"]
FULL = next(row for row in VECTORS["noise_boxes_fixed_ephemeral"] if row["box_len"] == 2148)

ALICE = PrivateKey(b"\1" * 32)
BOB = PrivateKey(b"\2" * 32)
CAROL = PrivateKey(b"\3" * 32)
MESSAGE = DropMessage(time_stamp=1, sender=ALICE.public_key, model_object="t", data=b'{"a":1}')
TEXT = encode(MESSAGE)

VERDICTS = {
    "version_mismatch": Verdict.FOREIGN,
    "invalid_size": Verdict.FOREIGN,
    "not_for_us_or_tampered": Verdict.FOREIGN,
    "malformed_json": Verdict.RUBBISH,
    "java_crashes_treat_as_malformed": Verdict.RUBBISH,
    "spoofed_sender": Verdict.SPOOFED,
}

STRICTER = {
    "payload number": "a text is a text: the core turns 42 into one",
    "drop_payload a list of one": "a text is a text: the core takes it out of the list",
    "byte order mark before the JSON": "RFC 8259: a text must not begin with one",
    "lenient JSON": "single quotes and bare names are no JSON",
}
"""Vectors that the core accepts only by an accident of its JSON library, and we reject."""

BAD_CARD = "meta data with a bad drop url"
"""Vectors that the core rejects for a bad card, while we keep the rest of the message."""


def names(rows: list[dict[str, Any]]) -> list[str]:
    """Name the tests after their test vectors."""
    return [row["name"] for row in rows]


@pytest.mark.parametrize("row", MESSAGES, ids=names(MESSAGES))
def test_messages_of_the_core_are_judged_as_the_core_does(
    row: dict[str, Any],
) -> None:
    """Good messages open to what the core read; bad ones get the matching verdict."""
    opener = Opener([PrivateKey.from_hex(row["recipient_private"])])
    outcome = opener.open(bytes.fromhex(row["message"]))
    expected = row["expected"]
    if row["name"] in STRICTER:
        assert row["quirk"]
        assert outcome is Verdict.RUBBISH
        return
    if expected["outcome"] != "ok" and row["name"] != BAD_CARD:
        assert outcome is VERDICTS[expected["outcome"]]
        return
    assert isinstance(outcome, Opened)
    assert outcome.recipient.hex == row["recipient_public"]
    if row["name"] != BAD_CARD:
        check_message(outcome.message, expected)


def check_message(message: DropMessage, expected: dict[str, Any]) -> None:
    """Compare our result with what the core read."""
    assert message.sender.hex == expected["sender"] == expected["box_sender"]
    assert message.time_stamp == expected["created_ms"]
    assert message.model_object == expected["type"]
    assert message.acknowledge_id == expected.get("ack_id_on_wire", "0")
    assert (message.meta_data is not None) == ("meta_data" in expected)
    try:
        payload = json.loads(expected["payload"])
    except ValueError:
        payload = None
    assert json.loads(message.data) == (
        payload if isinstance(payload, dict) else {"payload": expected["payload"]}
    )


@pytest.mark.parametrize(
    "row",
    [row for row in MESSAGES if row["expected"].get("payload", "").startswith("{")],
    ids=lambda row: row["name"],
)
def test_what_the_core_wrote_we_write_byte_for_byte(row: dict[str, Any]) -> None:
    """The text of a message with an object as payload is the core's, byte for byte."""
    text = row["expected"]["json"].encode()
    assert encode(decode(text)) == text


def test_message_of_the_cores_own_tests_opens() -> None:
    """The message in the core's own test suite names its sender."""
    opener = Opener([PrivateKey.from_hex(CORE_TEST["recipient_private"])])
    outcome = opener.open(bytes.fromhex(CORE_TEST["message"]))
    assert isinstance(outcome, Opened)
    assert outcome.message.sender.hex == CORE_TEST["sender_public"]
    assert json.loads(outcome.message.data) == {"payload": "Payload"}
    assert outcome.message.model_object == "TestMessage"


def test_message_is_sealed_byte_for_byte_as_the_core_does() -> None:
    """With a given ephemeral key, a message is the version byte and the known box."""
    raw = seal_message(
        PrivateKey.from_hex(FULL["sender_private"]),
        PublicKey.from_hex(FULL["recipient_public"]),
        bytes.fromhex(FULL["plaintext"]).rstrip(b"\0"),
        ephemeral=PrivateKey.from_hex(FULL["ephemeral_private"]),
    )
    assert raw.hex() == "00" + FULL["box"]


@pytest.mark.parametrize("row", VECTORS["too_large_to_send"], ids=lambda row: row["payload_repeat"])
def test_what_is_too_large_for_the_core_is_too_large(row: dict[str, Any]) -> None:
    """A payload that is too large for the core is rejected, with its size and the limit."""
    payload = row["payload_repeat"] * row["payload_count"]
    # The text as the core counts it: its JSON library writes "<" as six characters.
    text = json.dumps(
        {
            "version": 1,
            "time_stamp": 1476281471123,
            "sender": ALICE.public_key.hex,
            "drop_payload": payload,
            "drop_payload_type": row["type"],
            "acknowledge_id": "0",
        },
        separators=(",", ":"),
        ensure_ascii=False,
    ).replace("<", "\\u003c")
    with pytest.raises(MessageTooLarge) as caught:
        seal_message(ALICE, BOB.public_key, text.encode())
    assert (caught.value.size, caught.value.limit) == (len(text.encode()), 2048)
    assert str(caught.value.size) in str(caught.value)
    if row["payload_repeat"] == "x":
        seal_message(ALICE, BOB.public_key, text.replace("x", "", 1).encode())


def test_every_message_has_the_same_size() -> None:
    """With any text from empty to the largest, a message has 2149 bytes and opens again."""
    largest = b" " * (TEXT_SIZE - len(TEXT)) + TEXT
    for text in (b"", b"x", TEXT, largest):
        assert len(seal_message(ALICE, BOB.public_key, text)) == MESSAGE_SIZE == 2149
    raw = seal_message(ALICE, BOB.public_key, largest)
    assert Opener([BOB]).open(raw) == Opened(BOB.public_key, MESSAGE)


def test_message_for_a_key_of_low_order_is_refused() -> None:
    """A recipient's key of low order, with which everybody could open the message, is rejected."""
    with pytest.raises(InvalidKey):
        seal_message(ALICE, PublicKey(bytes(32)), TEXT)


def test_each_identity_is_tried() -> None:
    """The identity whose key opens the message is its recipient; otherwise it is foreign."""
    raw = seal_message(ALICE, BOB.public_key, TEXT)
    for identities in ([BOB], [CAROL, BOB], [BOB, CAROL], [ALICE, CAROL, BOB]):
        assert Opener(identities).open(raw) == Opened(BOB.public_key, MESSAGE)
    for identities in ([], [CAROL], [ALICE, CAROL]):
        assert Opener(identities).open(raw) is Verdict.FOREIGN


def test_message_that_names_another_sender_is_spoofed() -> None:
    """A message that names another sender than its sealer is spoofed."""
    assert Opener([BOB]).open(seal_message(CAROL, BOB.public_key, TEXT)) is Verdict.SPOOFED


@pytest.mark.parametrize(
    "text", [b"", b"\0" * 2048, b"{}", b"[" * 2048, b"\xff" * 2048, b"1" * 2048, TEXT + b"\0x"]
)
def test_message_with_a_bad_text_is_rubbish(text: bytes) -> None:
    """A sealed text that is not a drop message is rubbish."""
    assert Opener([BOB]).open(seal_message(ALICE, BOB.public_key, text)) is Verdict.RUBBISH


class Twin(PrivateKey):
    """A private key whose owner gives the public key with the highest bit set."""

    @property
    def public_key(self) -> PublicKey:
        """The public key in another spelling."""
        raw = PrivateKey(self.raw).public_key.raw
        return UnusableKey(bytes([*raw[:31], raw[31] | 0x80]))


def test_message_from_another_spelling_of_a_key_is_rubbish() -> None:
    """A box that names its sender by a key that is not canonical is rubbish."""
    sealed = seal_message(Twin(ALICE.raw), BOB.public_key, TEXT)
    assert Opener([BOB]).open(sealed) is Verdict.RUBBISH


@pytest.mark.parametrize("place", [0, 1, 31, 32, 33, 80, 81, 100, 2000, 2148])
def test_damaged_message_is_foreign(place: int) -> None:
    """A single changed bit anywhere makes a message foreign."""
    raw = bytearray(seal_message(ALICE, BOB.public_key, TEXT))
    raw[place] ^= 1
    assert Opener([BOB]).open(bytes(raw)) is Verdict.FOREIGN


def test_other_formats_cost_no_scalar_product(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message of another length or version is foreign before any key is tried."""
    opener = Opener([BOB])
    raw = seal_message(ALICE, BOB.public_key, TEXT)
    monkeypatch.setattr(opener, "_openers", None)
    for other in (b"", b"\0", raw[:-1], raw + b"\0", b"\1" + raw[1:], bytes(2573)):
        assert opener.open(other) is Verdict.FOREIGN


@given(
    st.binary(max_size=60) | st.binary(min_size=2148, max_size=2148).map(lambda box: b"\0" + box)
)
def test_no_bytes_break_the_opener(raw: bytes) -> None:
    """Arbitrary bytes get a verdict."""
    assert Opener([ALICE, BOB]).open(raw) is Verdict.FOREIGN


@given(st.binary(max_size=2048))
def test_no_text_breaks_the_opener(text: bytes) -> None:
    """Arbitrary sealed bytes get a verdict."""
    assert Opener([BOB]).open(seal_message(ALICE, BOB.public_key, text)) is Verdict.RUBBISH


def test_a_batch_keeps_its_order() -> None:
    """There is one result for each message, in order."""
    raws = [
        seal_message(ALICE, BOB.public_key, TEXT),
        seal_message(ALICE, CAROL.public_key, TEXT),
        seal_message(CAROL, BOB.public_key, TEXT),
        seal_message(ALICE, BOB.public_key, b"{}"),
    ]
    outcomes = Opener([BOB]).open_all(raws)
    assert outcomes == [
        Opened(BOB.public_key, MESSAGE),
        Verdict.FOREIGN,
        Verdict.SPOOFED,
        Verdict.RUBBISH,
    ]


def test_nothing_shows_what_was_opened() -> None:
    """The repr of a result shows none of the message's content."""
    secret = attrs.evolve(MESSAGE, data=b'{"a":"secret"}', acknowledge_id="secret")
    outcome = Opener([BOB]).open(seal_message(ALICE, BOB.public_key, encode(secret)))
    assert "secret" not in repr(outcome)


def test_the_prefilter() -> None:
    """Only what has the size and version of our messages is looked at."""
    assert may_be_ours(b"\0" * MESSAGE_SIZE)
    for body in (b"", b"\0", b"\1" * MESSAGE_SIZE, bytes(MESSAGE_SIZE + 1)):
        assert not may_be_ours(body)
