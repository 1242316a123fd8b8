"""The text that two people compare."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.crypto import PrivateKey, PublicKey
from qabel.drop.verification import verification_text, word_list

KNOWN_ANSWERS = [
    (
        "0101010101010101010101010101010101010101010101010101010101010101",
        "0202020202020202020202020202020202020202020202020202020202020202",
        "03453 84301 84763 46374 81310 48317 54690 51711 58197 70361 14653 20770",
        "display panda monitor wife fever venue bless raccoon",
    ),
    (
        "565689ffdf3c5be17b44ab2a5519e28a919b520c2fb9fde9414b46dcdbc99c3b",
        "9a7c92215168f1bcb116319ce4d5e772cc8cb20bffbf55d6fb676862144c630c",
        "80140 05042 66805 95551 06647 49196 65674 33193 51810 57964 85357 65647",
        "junior stand such flip aisle whisper lemon donkey",
    ),
    (
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff00",
        "000000000000000000000000000000000000000000000000000000000000007f",
        "64486 27137 49513 49108 11034 83633 98870 71389 09981 92629 82823 08288",
        "shed jungle hidden artefact clinic borrow copy chicken",
    ),
]
KEYS = st.binary(min_size=32, max_size=32).map(lambda raw: PrivateKey(raw).public_key)


@pytest.mark.parametrize(("one", "other", "digits", "words"), KNOWN_ANSWERS)
def test_known_answers(one: str, other: str, digits: str, words: str) -> None:
    """Two keys have one text, on both sides."""
    for pair in ((one, other), (other, one)):
        text = verification_text(*map(PublicKey.from_hex, pair))
        assert (text.digits, " ".join(text.words)) == (digits, words)


@given(KEYS, KEYS, KEYS)
def test_another_key_has_another_text(one: PublicKey, other: PublicKey, third: PublicKey) -> None:
    """The text always has twelve groups and eight words, and changes with either key."""
    text = verification_text(one, other)
    assert [len(group) for group in text.groups] == [5] * 12
    assert text.matches("".join(text.groups))
    assert text.matches(text.digits + "\n")
    assert not text.matches(text.digits[:-1])
    assert len(text.words) == 8
    if third not in (one, other):
        changed = verification_text(one, third)
        assert changed.groups != text.groups
        assert changed.words != text.words


def test_the_list_of_words() -> None:
    """The words are those of BIP 39, in their order."""
    assert len(set(word_list())) == 2048
    assert list(word_list()) == sorted(word_list())
    listed = "".join(f"{word}\n" for word in word_list())
    assert sha256(listed.encode()).hexdigest() == (
        "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda"
    )
