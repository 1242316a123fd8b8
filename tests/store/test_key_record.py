"""The record of a key: which keys may open the database, during a change and after it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.store.key_record import GivenKey, KeyRecord, fresh_key


def test_a_change_that_failed_leaves_no_trace() -> None:
    """A following key under which nothing was encrypted is removed from the record."""
    record = KeyRecord(b"\x01" * 32, earlier=(b"\x03" * 32,))
    assert record.changing(record.current, b"\x02" * 32).settled(record.current) == record


def test_round_trip() -> None:
    """Any record is read back from its text."""
    one, two, three = (bytes([each]) * 32 for each in (1, 2, 3))
    for record in (KeyRecord(one), KeyRecord(one, two), KeyRecord(one, two, (three,))):
        assert KeyRecord.from_text(record.to_text()) == record


@pytest.mark.parametrize("text", ["", "00", "zz" * 32, ("00" * 32 + "\n") * 3])
def test_malformed_text(text: str) -> None:
    """Text that is not a record is rejected, and the error does not quote it."""
    with pytest.raises(ValueError, match="key") as raised:
        KeyRecord.from_text(text)
    assert not text or text not in str(raised.value)


def test_keys_are_not_shown() -> None:
    """The repr of a record shows no key."""
    record = KeyRecord(fresh_key())
    assert record.current.hex() not in repr(record)
    assert repr(record.current) not in repr(record)


def test_given_key_is_held_in_memory() -> None:
    """A key that the application provides is replaced in memory only."""
    held = GivenKey(b"\x01" * 32)
    assert held.read() == KeyRecord(b"\x01" * 32)
    held.write(KeyRecord(b"\x02" * 32))
    assert held.read() == KeyRecord(b"\x02" * 32)
    held.forget()
    assert held.read() == KeyRecord(b"\x02" * 32)


def test_given_key_is_not_shown() -> None:
    """The repr of a key that the application provides does not show it."""
    assert "SECRET" not in repr(GivenKey(b"SECRET" * 5))


KEYS = st.binary(min_size=32, max_size=32)


@given(current=KEYS, following=KEYS, earlier=st.lists(KEYS, max_size=3, unique=True).map(tuple))
def test_no_key_is_lost_by_a_change(
    current: bytes, following: bytes, earlier: tuple[bytes, ...]
) -> None:
    """Whichever key turns out to fit, the others that ever were in force are kept once each."""
    before = KeyRecord(current, earlier=earlier)
    during = before.changing(current, following)
    assert set(during.candidates) == {current, following, *earlier}
    for fits in (current, following):
        after = during.settled(fits)
        assert after.current == fits
        assert after.following is None
        assert sorted(after.earlier) == sorted({current, *earlier} - {fits})
