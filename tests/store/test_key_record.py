"""The record of a key: which one opens the database, whatever became of a change."""

import pytest

from qabel.store.key_record import GivenKey, KeyRecord, fresh_key


def test_a_change_that_failed_leaves_no_trace() -> None:
    """A key that was to follow, and under which nothing was written, is forgotten."""
    record = KeyRecord(b"\x01" * 32, earlier=(b"\x03" * 32,))
    assert record.changing(record.current, b"\x02" * 32).settled(record.current) == record


def test_round_trip() -> None:
    """What is written as text is read as the same record."""
    one, two, three = (bytes([each]) * 32 for each in (1, 2, 3))
    for record in (KeyRecord(one), KeyRecord(one, two), KeyRecord(one, two, (three,))):
        assert KeyRecord.from_text(record.to_text()) == record


@pytest.mark.parametrize("text", ["", "00", "zz" * 32, ("00" * 32 + "\n") * 3])
def test_malformed_text(text: str) -> None:
    """What is no record is refused, and not quoted."""
    with pytest.raises(ValueError, match="key") as raised:
        KeyRecord.from_text(text)
    assert not text or text not in str(raised.value)


def test_keys_are_not_shown() -> None:
    """The form of a record that goes to logs has no key in it."""
    record = KeyRecord(fresh_key())
    assert record.current.hex() not in repr(record)
    assert repr(record.current) not in repr(record)


def test_given_key_is_held_in_memory() -> None:
    """A key that the application gives is changed for as long as it runs."""
    given = GivenKey(b"\x01" * 32)
    assert given.make() == given.read() == KeyRecord(b"\x01" * 32)
    given.write(KeyRecord(b"\x02" * 32))
    assert given.read() == KeyRecord(b"\x02" * 32)
