"""The encryption of the index."""

import pytest

from qabel.box.errors import ForeignIndex, UndecryptableObject
from qabel.box.index_box import open_index, seal_index
from qabel.crypto import BOX_OVERHEAD, PrivateKey, seal_box
from tests.box.known_answers import OWNER, READING, VECTORS, object_of


def test_the_index_of_the_core_is_opened() -> None:
    """It is a box of the owner to itself, without padding."""
    data = open_index(OWNER, object_of(VECTORS["index_dm"]))
    assert len(data) == VECTORS["index_dm"]["plaintext"]["plaintext_length"]
    sealed = seal_index(OWNER, data)
    assert len(sealed) == VECTORS["index_dm"]["encrypted_length"] == len(data) + BOX_OVERHEAD
    assert open_index(OWNER, sealed) == data


def test_an_index_that_somebody_else_sealed_is_refused() -> None:
    """The core opens it: whoever may write to the prefix could put one there."""
    (what,) = (each for each in READING if each.startswith("index box sealed by another"))
    assert READING[what].startswith("OPENED")
    foreign = seal_box(PrivateKey.generate(), OWNER.public_key, b"SQLite format 3\0")
    with pytest.raises(ForeignIndex, match="another identity"):
        open_index(OWNER, foreign)


@pytest.mark.parametrize("data", [b"", bytes(7), bytes(100), bytes(200)])
def test_what_is_no_index_is_refused(data: bytes) -> None:
    """As by the core."""
    assert READING["index of 0 or 7 bytes"].startswith("refused")
    with pytest.raises(UndecryptableObject):
        open_index(OWNER, data)


def test_the_index_of_somebody_else_is_not_opened() -> None:
    """It has another owner."""
    other = PrivateKey.generate()
    with pytest.raises(UndecryptableObject, match="not for this key"):
        open_index(OWNER, seal_index(other, b"data"))
