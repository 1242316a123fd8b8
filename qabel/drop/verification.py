"""The text that two people compare to be sure that each has the other's public key.

It comes from SHA-512("qabel verify 1" ‖ smaller key ‖ larger key), where keys are compared as 32
bytes from the left, so that both have the same text. It has two forms: 60 digits in twelve groups,
each from five bytes (a big-endian number modulo 100,000), which takes the first 60 bytes of the
hash; and eight words, each from 11 bits, which takes the first 88 bits.

The words are the English list of BIP 39, of the python-mnemonic project: MIT licence, copyright
2013-2016 Pavol Rusnak.
"""

from functools import cache
from hashlib import sha512
from importlib.resources import files

import attrs

from qabel.crypto import PublicKey

GROUPS = 12
WORDS = 8

_CONTEXT = b"qabel verify 1"
_GROUP_SIZE = 5
_WORD_BITS = 11


@attrs.frozen
class VerificationText:
    """The verification text of two keys, as digits in groups of five and as words."""

    groups: tuple[str, ...]
    words: tuple[str, ...]

    @property
    def digits(self) -> str:
        """The groups of digits, separated by spaces."""
        return " ".join(self.groups)

    def matches(self, digits: str) -> bool:
        """Return whether digits, spaced in any way, are those of the text."""
        return "".join(digits.split()) == "".join(self.groups)


def verification_text(one: PublicKey, other: PublicKey) -> VerificationText:
    """Return the verification text of two keys; their order does not matter."""
    smaller, larger = sorted((one.raw, other.raw))
    hashed = sha512(_CONTEXT + smaller + larger).digest()
    chunks = (hashed[at : at + _GROUP_SIZE] for at in range(0, GROUPS * _GROUP_SIZE, _GROUP_SIZE))
    bits = int.from_bytes(hashed) >> (8 * len(hashed) - WORDS * _WORD_BITS)
    indexes = [bits >> (_WORD_BITS * n) & (2**_WORD_BITS - 1) for n in reversed(range(WORDS))]
    return VerificationText(
        groups=tuple(f"{int.from_bytes(chunk) % 100_000:05}" for chunk in chunks),
        words=tuple(word_list()[index] for index in indexes),
    )


@cache
def word_list() -> tuple[str, ...]:
    """Return the 2,048 words in their order."""
    return tuple((files("qabel.drop") / "english.txt").read_text("ascii").split())
