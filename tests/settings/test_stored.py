"""Reading what is stored: older versions accepted more, and their documents still load."""

import pytest

from qabel.crypto import InvalidKey, PrivateKey, seal_box
from qabel.forms.errors import InvalidInput
from qabel.jsontext import MAX_DIGITS
from qabel.settings.local import LOCAL
from qabel.settings.stored import STORED_DIGITS, UnusableKey, digits, is_stored, reading_stored


def test_wider_rules_end_with_the_context() -> None:
    """The wider rules hold within the context only, also if it ends with an error."""
    assert (is_stored(), digits()) == (False, MAX_DIGITS)
    with reading_stored():
        assert (is_stored(), digits()) == (True, STORED_DIGITS)
    with pytest.raises(ZeroDivisionError), reading_stored():
        raise ZeroDivisionError
    assert not is_stored()


def test_long_numbers_of_modules() -> None:
    """A number of 309 digits is read from what is stored, and refused from a client."""
    document = {"module_data": {"a": {"b": int("9" * STORED_DIGITS)}}}
    with pytest.raises(InvalidInput, match="more than 300 digits"):
        LOCAL.parse(document, now=1)
    with reading_stored():
        assert LOCAL.to_builtins(LOCAL.parse(document, now=1))["module_data"] == {
            "a": {"b": int("9" * STORED_DIGITS)}
        }


def test_an_unusable_key_is_only_there_to_be_shown() -> None:
    """A stored key that is not canonical equals no other, and nothing is sealed for it."""
    alice = PrivateKey(b"\1" * 32)
    twin = bytes([*alice.public_key.raw[:31], alice.public_key.raw[31] | 0x80])
    unusable = UnusableKey(twin)
    assert unusable.hex == twin.hex()
    assert repr(unusable) == f"<UnusableKey {twin.hex()[:8]}…>"
    assert unusable not in (alice.public_key, twin)
    with pytest.raises(InvalidKey, match="not canonical"):
        seal_box(alice, unusable, b"data")
