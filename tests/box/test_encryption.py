"""The encryption of objects: as Qabel's core encrypts, in pieces of any size."""

import base64
from hashlib import blake2b, sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from hypothesis import given
from hypothesis import strategies as st

from qabel.box import encryption
from qabel.box.encryption import (
    HASH_ALGORITHM,
    NONCE_SIZE,
    OVERHEAD,
    StreamDecryptor,
    StreamEncryptor,
    decrypt,
    decrypt_range,
    encrypt,
    new_key,
)
from qabel.box.errors import UndecryptableObject
from tests.box.known_answers import VECTORS, object_of

KEY = bytes(range(32))
HELLO = b"hello"


def pieces(data: bytes, size: int) -> list[bytes]:
    """Cut data."""
    return [data[begin : begin + size] for begin in range(0, len(data), size)]


@pytest.mark.parametrize("vector", VECTORS["symmetric_stream"], ids=lambda each: each["length"])
@pytest.mark.parametrize("size", [1, 7, 4096])
def test_streams_are_those_of_the_core(vector: dict[str, Any], size: int) -> None:
    """With the same key and nonce, every byte is the same."""
    length = vector["length"]
    plaintext = bytes((7 * i + length) % 256 for i in range(length))
    encryptor = StreamEncryptor(bytes.fromhex(vector["key"]), bytes.fromhex(vector["nonce"]))
    encrypted = b"".join(map(encryptor.update, pieces(plaintext, size))) + encryptor.finish()
    assert len(encrypted) == vector["ciphertext_length"] == length + OVERHEAD
    assert sha256(encrypted).hexdigest() == vector["ciphertext_sha256"]
    if vector["ciphertext_b64"] is not None:
        assert encrypted == base64.b64decode(vector["ciphertext_b64"])
    assert encryptor.digest.hex() == vector["blake2b_of_plaintext"]
    decryptor = StreamDecryptor(bytes.fromhex(vector["key"]))
    assert b"".join(map(decryptor.update, pieces(encrypted, size))) == plaintext
    decryptor.finish()
    assert encryptor.size == decryptor.size == length


@pytest.mark.parametrize("vector", VECTORS["blocks"], ids=lambda each: each["stored_at"])
def test_blocks_of_the_core_are_read(vector: dict[str, Any]) -> None:
    """Blocks that it uploaded, and their hashes."""
    plaintext = decrypt(bytes.fromhex(vector["key"]), object_of(vector))
    assert plaintext == base64.b64decode(vector["plaintext_b64"])
    assert vector["hash_algorithm"] == HASH_ALGORITHM
    assert blake2b(plaintext).hexdigest() == vector["hash"]


CHANGES = {
    "as is": lambda data: data,
    "last byte flipped": lambda data: data[:-1] + bytes((data[-1] ^ 1,)),
    "nonce byte flipped": lambda data: bytes((data[0] ^ 1,)) + data[1:],
    "cut by one": lambda data: data[:-1],
    "empty input": lambda data: b"",
    "11 bytes": lambda data: data[:11],
    "12 bytes (nonce only)": lambda data: data[:12],
}
"""What the vectors do to an object."""

OTHER_KEYS = {
    "wrong key": (KEY, bytes(32)),
    "16 byte key (AES-128) enc+dec": (KEY[:16], KEY[:16]),
    "20 byte key": (KEY, KEY[:20]),
}
"""The keys for encryption and for decryption in others."""


@pytest.mark.parametrize("vector", VECTORS["symmetric_negative"], ids=lambda each: each["what"])
def test_what_the_core_refuses_is_refused(vector: dict[str, Any]) -> None:
    """And what it takes is taken."""
    what = vector["what"]
    key, other = OTHER_KEYS.get(what, (KEY, KEY))
    data = CHANGES.get(what, bytes)(encrypt(key, HELLO))
    if vector["java"] == "ok 5":
        assert decrypt(other, data) == HELLO
    else:
        with pytest.raises(UndecryptableObject):
            decrypt(other, data)


@given(st.binary(max_size=200), st.data())
def test_any_damage_is_found(plaintext: bytes, data: st.DataObject) -> None:
    """A bit of the nonce, the ciphertext or the tag that is another one."""
    key = new_key()
    encrypted = bytearray(encrypt(key, plaintext))
    at = data.draw(st.integers(0, len(encrypted) - 1))
    encrypted[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(UndecryptableObject):
        decrypt(key, bytes(encrypted))


@given(st.binary(max_size=300), st.data())
def test_a_range_is_decrypted_by_itself(plaintext: bytes, data: st.DataObject) -> None:
    """Of an object that was verified, any part can be shown without what is before it."""
    key = new_key()
    encrypted = encrypt(key, plaintext)
    begin = data.draw(st.integers(0, len(plaintext)))
    end = data.draw(st.integers(begin, len(plaintext)))
    piece = encrypted[NONCE_SIZE + begin : NONCE_SIZE + end]
    assert decrypt_range(key, encrypted[:NONCE_SIZE], begin, piece) == plaintext[begin:end]


def test_a_range_far_behind_is_decrypted() -> None:
    """Positions above 2^32 bytes need the whole counter."""
    begin = 2**33 + 5
    counter = (2 + begin // 16).to_bytes(4)
    block = Cipher(AES(KEY), ECB()).encryptor()  # noqa: S305 - of which CTR is made
    stream = block.update(bytes(12) + counter)
    assert decrypt_range(KEY, bytes(12), begin, bytes(11)) == stream[5:]


def test_nonces_are_new() -> None:
    """The same plaintext never makes the same object."""
    assert encrypt(KEY, HELLO) != encrypt(KEY, HELLO)


def test_there_is_a_longest_plaintext(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than one nonce is good for is neither written nor read."""
    too_long = encrypt(KEY, bytes(33))
    monkeypatch.setattr(encryption, "MAX_PLAINTEXT", 32)
    encryptor = StreamEncryptor(KEY)
    encryptor.update(bytes(32))
    with pytest.raises(ValueError, match="at most 32 bytes"):
        encryptor.update(b"x")
    with pytest.raises(UndecryptableObject, match="longer"):
        decrypt(KEY, too_long)
