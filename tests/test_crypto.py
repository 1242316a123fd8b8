"""Keys and Noise boxes, checked against test vectors from Qabel's Java core and by properties."""

import contextlib
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from qabel.crypto import (
    BOX_OVERHEAD,
    KNOWN_KEYS,
    BadBox,
    BadSender,
    BoxError,
    BoxOpener,
    InvalidKey,
    NotCanonical,
    NotForUs,
    PrivateKey,
    PublicKey,
    derive,
    seal_box,
)

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parent / "vectors" / "qabel-core.json").read_text(encoding="utf-8")
)
GO = VECTORS["known_answers_of_core_tests"]["noise_boxes"]
FIXED = VECTORS["noise_boxes_fixed_ephemeral"]
ALICE = PrivateKey.from_hex(VECTORS["curve25519"][0]["scalar"])
BOB = PrivateKey.from_hex(VECTORS["curve25519"][1]["scalar"])
EVE = PrivateKey(b"\7" * 32)
SUITE = b"Noise255/AES256-GCM".ljust(24, b"\0")
LOW_ORDER = [
    bytes(32),
    bytes([1]).ljust(32, b"\0"),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    (2**255 - 20).to_bytes(32, "little"),
]
FIELD = 2**255 - 19
TWIN = bytes([*ALICE.public_key.raw[:31], ALICE.public_key.raw[31] | 0x80])
NOT_CANONICAL = [
    TWIN,
    bytes([*bytes(31), 0x80]),
    FIELD.to_bytes(32, "little"),
    (FIELD + 1).to_bytes(32, "little"),
    (FIELD + 9).to_bytes(32, "little"),
    (2**255 - 1).to_bytes(32, "little"),
    (2**255 + 9).to_bytes(32, "little"),
    b"\xff" * 32,
]

KEYS = st.binary(min_size=32, max_size=32)


def names(rows: list[dict[str, Any]]) -> list[str]:
    """Name the tests after their test vectors."""
    return [row.get("name", str(number)) for number, row in enumerate(rows)]


@pytest.mark.parametrize("row", VECTORS["curve25519"], ids=names(VECTORS["curve25519"]))
def test_scalar_products_are_those_of_the_core(row: dict[str, Any]) -> None:
    """Known scalar products are reproduced; those with a point of low order are rejected."""
    private = PrivateKey.from_hex(row["scalar"])
    if row["point"] == "base (9)":
        assert private.public_key.hex == row["result"]
        return
    point = bytes.fromhex(row["point"])
    if "low order" in row["name"]:
        # The core goes on with a secret of zero bytes, which all the world knows.
        with pytest.raises(InvalidKey, match="low order"):
            private.exchange(PublicKey(point))
    else:
        assert private.known_product(point).hex() == row["result"]


@pytest.mark.parametrize("row", VECTORS["kdf"])
def test_derived_keys_are_those_of_the_core(row: dict[str, Any]) -> None:
    """The key derivation yields the known bytes for secrets of any size."""
    given_bytes = (bytes.fromhex(row[name]) for name in ("secret", "extra_secret", "info"))
    derived, known = derive(*given_bytes), bytes.fromhex(row["out"])
    assert len(known) == row["len"]
    assert derived[: row["len"]] == known[:128]


@pytest.mark.parametrize(
    "row", VECTORS["noise_boxes"] + FIXED, ids=names(VECTORS["noise_boxes"] + FIXED)
)
def test_boxes_of_the_core_open(row: dict[str, Any]) -> None:
    """A box made by the core opens to its sender and its data, without the padding."""
    opener = BoxOpener(PrivateKey.from_hex(row["recipient_private"]))
    sender, data = opener.open(bytes.fromhex(row["box"]))
    assert (sender.hex, data.hex()) == (row["sender_public"], row["plaintext"])
    assert len(row["box"]) == 2 * (BOX_OVERHEAD + len(data) + row["padding_len"])


@pytest.mark.parametrize("row", FIXED, ids=names(FIXED))
def test_boxes_are_made_byte_for_byte_as_the_core_makes_them(row: dict[str, Any]) -> None:
    """With a given ephemeral key, a box has exactly the known bytes."""
    box = seal_box(
        PrivateKey.from_hex(row["sender_private"]),
        PublicKey.from_hex(row["recipient_public"]),
        bytes.fromhex(row["plaintext"]),
        padding=bytes.fromhex(row["padding"]),
        ephemeral=PrivateKey.from_hex(row["ephemeral_private"]),
    )
    assert box.hex() == row["box"]


REFUSALS = {
    "wrong recipient": NotForUs,
    "tampered ephemeral key": NotForUs,
    "tampered sealed sender key": NotForUs,
    "tampered header tag": NotForUs,
    "ephemeral key with bit 255 set": NotForUs,
}


@pytest.mark.parametrize(
    "row", VECTORS["noise_boxes_read"] + GO, ids=names(VECTORS["noise_boxes_read"] + GO)
)
def test_good_and_bad_boxes_are_told_apart(row: dict[str, Any]) -> None:
    """Boxes that the core opens are opened; those it rejects raise NotForUs or BadBox."""
    opener = BoxOpener(PrivateKey.from_hex(row["recipient_private"]))
    box = bytes.fromhex(row["box"])
    if row["outcome"] == "ok":
        sender, data = opener.open(box)
        assert (sender.hex, data.hex()) == (row["sender_public"], row["plaintext"])
        return
    with pytest.raises(BoxError) as caught:
        opener.open(box)
    assert type(caught.value) is REFUSALS.get(row["name"], BadBox)


@pytest.mark.parametrize("row", VECTORS["noise_boxes_low_order"])
def test_box_with_an_ephemeral_key_of_low_order_is_refused(
    row: dict[str, Any],
) -> None:
    """The core accepts such a box, but no honest writer makes one and anyone could read it."""
    opener = BoxOpener(PrivateKey.from_hex(row["recipient_private"]))
    with pytest.raises(BadBox, match="low order"):
        opener.open(bytes.fromhex(row["box"]))


@pytest.mark.parametrize("raw", LOW_ORDER)
def test_keys_of_low_order_are_refused_everywhere(raw: bytes) -> None:
    """Recipient, sender and ephemeral keys of low order are all rejected."""
    with pytest.raises(InvalidKey, match="low order"):
        seal_box(ALICE, PublicKey(raw), b"data")
    opener = BoxOpener(BOB)
    with pytest.raises(BadBox, match="low order"):
        opener.open(raw + seal_box(ALICE, BOB.public_key, b"data")[32:])


def box_from(raw: bytes, product: bytes) -> bytes:
    """Return a box for Bob that names any bytes as its sender's key.

    ``product`` is the scalar product of that key and Bob's.
    """
    ephemeral = PrivateKey.generate()
    derived = derive(ephemeral.exchange(BOB.public_key), bytes(48), SUITE + b"\0")
    sealed = AESGCM(derived[48:80]).encrypt(
        derived[80:92], raw, BOB.public_key.raw + ephemeral.public_key.raw
    )
    header = ephemeral.public_key.raw + sealed
    derived = derive(product, derived[:48], SUITE + b"\1")
    body = AESGCM(derived[48:80]).encrypt(derived[80:92], bytes(4), BOB.public_key.raw + header)
    return header + body


@pytest.mark.parametrize("raw", LOW_ORDER)
def test_sender_of_low_order_is_refused(raw: bytes) -> None:
    """A header that names a sender's key of low order opens, but the body is rejected."""
    with pytest.raises(BadSender, match="of low order"):
        BoxOpener(BOB).open(box_from(raw, bytes(32)))


def test_sender_under_another_spelling_is_refused() -> None:
    """Alice's box opens under her key, and not under another spelling, which has equal products."""
    product = ALICE.exchange(BOB.public_key)
    assert BOB.known_product(TWIN) == product
    sender, _ = BoxOpener(BOB).open(box_from(ALICE.public_key.raw, product))
    assert sender == ALICE.public_key
    with pytest.raises(BadSender, match="not canonical"):
        BoxOpener(BOB).open(box_from(TWIN, product))


@pytest.mark.parametrize("raw", NOT_CANONICAL)
def test_a_key_has_one_spelling(raw: bytes) -> None:
    """Bytes with the highest bit set, or a value of 2^255 - 19 or more, are no public key."""
    for make in (lambda: PublicKey(raw), lambda: PublicKey.from_hex(raw.hex().upper())):
        with pytest.raises(NotCanonical, match=r"less than 2\^255 - 19"):
            make()
    PublicKey((int.from_bytes(raw, "little") % 2**255 % FIELD).to_bytes(32, "little"))
    PublicKey((FIELD - 1).to_bytes(32, "little"))


@given(KEYS)
def test_own_keys_are_canonical(raw: bytes) -> None:
    """The public key of every private key is canonical, however the private one is written."""
    clamped = bytes([raw[0] & 248, *raw[1:31], raw[31] & 127 | 64])
    key = PrivateKey(raw).public_key
    assert key == PrivateKey(clamped).public_key == PublicKey.from_hex(key.hex)


@given(scalar=KEYS, point=KEYS | st.sampled_from(LOW_ORDER))
def test_products_are_those_of_another_library(scalar: bytes, point: bytes) -> None:
    """For any key, canonical or not, OpenSSL computes the same secret or rejects it too."""
    try:
        ours = PrivateKey(scalar).known_product(point)
    except RuntimeError:
        ours = b"low order"
    try:
        private = X25519PrivateKey.from_private_bytes(scalar)
        theirs = private.exchange(X25519PublicKey.from_public_bytes(point))
    except ValueError:
        theirs = b"low order"
    assert ours == theirs


@given(KEYS, KEYS, st.binary(max_size=300), st.binary(max_size=40))
def test_what_is_sealed_opens(sender: bytes, recipient: bytes, data: bytes, padding: bytes) -> None:
    """Any data with any padding survives a round trip, and the box has the documented size."""
    box = seal_box(PrivateKey(sender), PrivateKey(recipient).public_key, data, padding=padding)
    assert len(box) == BOX_OVERHEAD + len(data) + len(padding)
    assert BoxOpener(PrivateKey(recipient)).open(box) == (PrivateKey(sender).public_key, data)


@given(noise=st.binary(max_size=200), place=st.integers(min_value=0, max_value=120))
def test_no_bytes_break_the_opener(noise: bytes, place: int) -> None:
    """Arbitrary bytes and damaged boxes either open or raise BoxError."""
    box = seal_box(ALICE, BOB.public_key, b"data", ephemeral=EVE)
    candidates = noise, box[:place] + noise, box[:place] + noise + box[place + len(noise) :]
    for candidate in candidates:
        opener = BoxOpener(BOB)
        try:
            assert opener.open(candidate) == (ALICE.public_key, b"data")
            assert candidate == box
        except BoxError:
            assert candidate != box


@pytest.mark.parametrize("length", [5, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_padding_longer_than_the_data_is_refused(
    length: int, make_body: Callable[[bytes], bytes]
) -> None:
    """A padding length that is too large, or negative to the core, raises BadBox."""
    with pytest.raises(BadBox, match="padding"):
        BoxOpener(BOB).open(make_body(b"data" + length.to_bytes(4)))


def test_box_without_room_for_a_padding_length_is_refused() -> None:
    """A box whose body has no room for the padding length is too short."""
    with pytest.raises(BadBox, match="100 bytes"):
        BoxOpener(BOB).open(seal_box(ALICE, BOB.public_key, b"")[:-1])


@pytest.fixture
def make_body(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], bytes]:
    """Return a function that makes boxes from ALICE to BOB with exactly the given body."""

    def make(plain: bytes) -> bytes:
        monkeypatch.setattr("qabel.crypto._PADDING_LENGTH_SIZE", 0)
        box = seal_box(ALICE, BOB.public_key, plain)
        monkeypatch.undo()
        return box

    return make


def test_opener_remembers_its_senders_and_not_too_many() -> None:
    """A known sender costs one scalar product instead of two; the cache is bounded."""
    recipient = PrivateKey.generate()
    opener = BoxOpener(recipient)
    for _ in range(3):
        opener.open(seal_box(ALICE, recipient.public_key, b"data"))
    known = recipient.known_product.cache_info()  # type: ignore[attr-defined]
    assert (known.misses, known.hits, known.maxsize) == (1, 2, KNOWN_KEYS)


def test_sender_remembers_its_recipients() -> None:
    """Sealing again for the same recipient computes only the product with the new ephemeral key."""
    sender = PrivateKey.generate()
    for _ in range(3):
        seal_box(sender, BOB.public_key, b"data")
    known = sender.known_product.cache_info()  # type: ignore[attr-defined]
    assert (known.misses, known.hits) == (1, 2)


def test_tampered_boxes_do_not_make_the_opener_forget() -> None:
    """A failure leaves no state behind: a good box opens after any number of bad ones."""
    opener = BoxOpener(BOB)
    box = seal_box(ALICE, BOB.public_key, b"data")
    for place in range(len(box)):
        bad = bytearray(box)
        bad[place] ^= 1
        with pytest.raises(BoxError):
            opener.open(bytes(bad))
    assert opener.open(box) == (ALICE.public_key, b"data")


def test_every_box_is_new() -> None:
    """Two boxes with the same data share no bytes: the ephemeral key is fresh."""
    one, two = (seal_box(ALICE, BOB.public_key, b"data") for _ in range(2))
    assert one[:32] != two[:32]
    assert one[32:] != two[32:]


@pytest.mark.parametrize("kind", [PublicKey, PrivateKey])
def test_keys_are_read_from_hex_in_either_case(kind: type[PublicKey] | type[PrivateKey]) -> None:
    """A key is parsed from 64 hex digits in either case and shown in lower case."""
    text = "AbCdEf0123456709" * 4
    assert kind.from_hex(text).hex == text.lower()
    assert kind.from_hex(text) == kind.from_hex(text.lower())
    assert len({kind.from_hex(text), kind.from_hex(text.lower())}) == 1


@given(st.text() | st.text(alphabet="0123456789abcdefABCDEF xg", min_size=62, max_size=66))
def test_no_text_breaks_the_keys(text: str) -> None:
    """Any text parses as a key or raises InvalidKey."""
    for kind in (PublicKey, PrivateKey):
        with contextlib.suppress(InvalidKey):
            assert kind.from_hex(text).hex == text.lower()


@pytest.mark.parametrize(
    "text", ["", "0" * 63, "0" * 65, "0" * 62 + " 0", "é" * 64, "0x" + "0" * 62]
)
def test_what_is_no_hex_of_a_key_is_refused(text: str) -> None:
    """Anything but exactly 64 hex digits, without blanks, is rejected."""
    with pytest.raises(InvalidKey):
        PublicKey.from_hex(text)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_key_of_another_size_is_refused(size: int) -> None:
    """A key of another size than 32 bytes is rejected."""
    with pytest.raises(InvalidKey):
        PrivateKey(bytes(size))
    with pytest.raises(InvalidKey):
        PublicKey(bytes(size))


def test_nothing_shows_a_private_key() -> None:
    """The repr of a private key reveals nothing; that of a public key shows its first digits."""
    assert repr(ALICE) == "<PrivateKey>"
    assert repr(ALICE.public_key) == "<PublicKey 565689ff…>"


def test_keys_travel_to_other_processes() -> None:
    """Keys survive pickling, whether or not their public key was computed."""
    fresh = PrivateKey.generate()
    assert pickle.loads(pickle.dumps(fresh)).public_key == fresh.public_key  # noqa: S301
    assert pickle.loads(pickle.dumps(fresh)) == fresh  # noqa: S301
