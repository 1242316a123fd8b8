"""References: people are named by id or public key, as a number or as a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.core.errors import Invalid, NotFound
from qabel.core.people.references import (
    ReferenceForm,
    choose_identity,
    find_contact,
    find_identity,
    parse_reference,
    require_identity,
)
from qabel.crypto import PublicKey
from qabel.forms.errors import InvalidInput
from qabel.settings.synced import SyncedSettings
from tests.core.items import contact, identity, key

EVE = key(20).public_key
"""Known to two of the identities."""

SYNCED = SyncedSettings(
    identities=(identity(1), identity(2), identity(3, deleted=5)),
    contacts=(contact(7, 1, public_key=EVE), contact(8, 2, public_key=EVE)),
)


@given(st.integers(0, 10**10 - 1))
def test_ids_may_be_texts(number: int) -> None:
    """An id is the same as a number and as a text of decimal digits."""
    assert parse_reference(number) == parse_reference(str(number)) == number


def test_keys_may_be_texts() -> None:
    """A public key is the same as a key and as hexadecimal text, also if that is all digits."""
    for each in (EVE, PublicKey.from_hex("12" * 32)):
        assert parse_reference(each) == parse_reference(each.hex) == each


@pytest.mark.parametrize("text", ["", "Eve", "-1", "1.0", " 1", "٣", "²", "1" * 11, "ab" * 31])
def test_other_texts_name_nobody(text: str) -> None:
    """A text that is neither an id nor a key is no reference."""
    assert parse_reference(text) is None
    assert find_identity(SYNCED, text) is None
    assert find_contact(SYNCED, identity(1), text) is None


@pytest.mark.parametrize("ref", [1, "1", key(1).public_key, key(1).public_key.hex])
def test_each_way_to_name_an_identity(ref: int | str | PublicKey) -> None:
    """An identity is found by each kind of reference."""
    assert find_identity(SYNCED, ref) == identity(1)
    assert require_identity(SYNCED, ref) == identity(1)
    assert choose_identity(SYNCED.living_identities, ref) == identity(1)


@pytest.mark.parametrize("ref", [3, "3", key(3).public_key.hex, 99, "nonsense"])
def test_unknown_and_deleted_identities(ref: int | str) -> None:
    """An identity that is deleted or never was is not found."""
    assert find_identity(SYNCED, ref) is None
    with pytest.raises(NotFound):
        require_identity(SYNCED, ref)
    with pytest.raises(Invalid) as raised:
        choose_identity(SYNCED.living_identities, ref)
    assert [each.key for each in raised.value.errors] == ["identity"]


def test_a_contact_is_somebodys() -> None:
    """A contact is found for the identity that knows it, by id and by key, and for no other."""
    assert find_contact(SYNCED, identity(1), EVE) == SYNCED.contacts[0]
    assert find_contact(SYNCED, identity(2), EVE.hex) == SYNCED.contacts[1]
    assert find_contact(SYNCED, identity(1), 7) == SYNCED.contacts[0]
    assert find_contact(SYNCED, identity(1), "8") is None
    assert find_contact(SYNCED, identity(1), 99) is None
    assert find_contact(SYNCED, identity(3, deleted=5), EVE) is None


def test_a_single_identity_need_not_be_named() -> None:
    """The only identity is meant if none is named; with none or several that is an error."""
    assert choose_identity([identity(1)], None) == identity(1)
    for living in ([], [identity(1), identity(2)]):
        with pytest.raises(Invalid) as raised:
            choose_identity(living, None)
        assert [each.key for each in raised.value.errors] == ["identity"]


@pytest.mark.parametrize("value", [0, 17, "17", "Eve", ""])
def test_input_that_may_be_a_reference(value: int | str) -> None:
    """A number or a text is taken as it is: whom it names is found out later."""
    assert ReferenceForm().read(value) == value
    assert ReferenceForm().write(value) == value


@pytest.mark.parametrize("value", [None, True, 1.0, [], {}])
def test_input_that_is_no_reference(value: object) -> None:
    """Anything else is refused, also ``true``, which Python takes for a number."""
    with pytest.raises(InvalidInput):
        ReferenceForm().read(value)
