"""Purged keys: nothing of theirs is stored until an identity has the key again."""

from qabel.store.purged_keys import PurgedKeys

ONE, OTHER = b"1" * 32, b"2" * 32


def test_keys_come_and_go() -> None:
    """A key is among them from when it is added until it is removed; others do not matter."""
    keys = PurgedKeys()
    keys.add(ONE)
    assert (ONE in keys, OTHER in keys) == (True, False)
    keys.remove([OTHER])
    assert ONE in keys
    keys.remove([ONE, OTHER])
    assert ONE not in keys


def test_keys_are_not_shown() -> None:
    """The repr says nothing of who was purged."""
    keys = PurgedKeys()
    keys.add(ONE)
    assert "1" not in repr(keys)
