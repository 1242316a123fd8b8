"""Used ids: the lowest one that was never used is given, and each belongs to its keys."""

from hypothesis import given
from hypothesis import strategies as st

from qabel.crypto import key_digest
from qabel.forms.plain import MAX_INT
from qabel.settings.used_ids import NOTHING_USED, UsedId, UsedIds

ONE, OTHER = key_digest(b"1" * 32), key_digest(b"2" * 32)
NUMBERS = st.integers(1, 50) | st.integers(MAX_INT - 50, MAX_INT)


@given(st.sets(NUMBERS), st.sets(NUMBERS), st.integers(0, 60) | st.integers(MAX_INT - 60, MAX_INT))
def test_free_ids_were_never_used(used: set[int], taken: set[int], last: int) -> None:
    """No id is given that was used or is taken; the first is the lowest above the last one."""
    ids = UsedIds(last).grown((number, ONE) for number in used)
    found = next(ids.free(taken))
    assert 1 <= found <= MAX_INT
    assert found not in used | taken
    lower = range(max(ids.last + 1, found - 200), found)
    assert all(number in used | taken for number in lower)


def test_the_largest_id_is_not_the_end() -> None:
    """After a document brought the largest id, lower ones are given."""
    ids = NOTHING_USED.grown([(MAX_INT, ONE), (1, ONE)])
    assert (next(ids.free(())), ids.last) == (2, 1)
    full = UsedIds(MAX_INT).grown([(1, ONE)])
    assert next(full.free({2})) == 3


def test_an_id_belongs_to_its_keys() -> None:
    """An id belongs to all keys that had it, and to no other; a new one belongs to nobody."""
    ids = NOTHING_USED.grown([(5, ONE)])
    assert ids.belongs_to_another(5, OTHER)
    assert not ids.belongs_to_another(5, ONE)
    assert not ids.belongs_to_another(6, OTHER)
    both = ids.grown([(5, OTHER)])
    assert not any(both.belongs_to_another(5, each) for each in (ONE, OTHER))
    assert both.grown([(5, ONE)]) is both


def test_what_was_added() -> None:
    """What there is more than before is listed, each with its key."""
    before = NOTHING_USED.grown([(1, ONE), (2, ONE)])
    after = before.grown([(2, OTHER), (3, ONE), (1, ONE)])
    assert list(after.since(before, "contacts")) == [
        UsedId("contacts", 2, OTHER),
        UsedId("contacts", 3, ONE),
    ]
    assert list(before.since(before, "contacts")) == []


def test_a_digest_shows_no_key() -> None:
    """What is kept of a key is short, the same each time, and in no repr."""
    assert (len(ONE), ONE) == (16, key_digest(b"1" * 32))
    assert ONE.hex() not in repr(UsedId("contacts", 1, ONE)) + repr(NOTHING_USED.grown([(1, ONE)]))
