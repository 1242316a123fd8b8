"""Kinds of entries: which of them somebody with some scopes may hear of."""

from hypothesis import given
from hypothesis import strategies as st

from qabel.contract.access import SCOPES
from qabel.core.journal.kinds import KINDS, kinds_for

SOME_SCOPES = st.frozensets(st.sampled_from(SCOPES))


def test_each_scope_has_its_kinds() -> None:
    """Readers hear of messages and deliveries, senders of deliveries, others of changes."""
    assert kinds_for(frozenset(["read"])) == {"drop", "outbox"}
    assert kinds_for(frozenset(["send"])) == {"outbox"}
    assert kinds_for(frozenset(["contacts"])) == kinds_for(frozenset(["servers"])) == {"synced"}
    assert kinds_for(frozenset(["preferences"])) == {"settings"}
    assert kinds_for(frozenset(["settings"])) == {"settings", "synced"}


def test_who_may_do_everything_hears_of_everything() -> None:
    """With the scope admin there is no kind that is kept back."""
    assert kinds_for(frozenset(["admin"])) == set(KINDS)


def test_without_a_scope_there_is_nothing_to_hear() -> None:
    """No scope, or an unknown one, allows no kind."""
    assert kinds_for(frozenset([])) == kinds_for(frozenset(["nonsense"])) == set()


@given(SOME_SCOPES, SOME_SCOPES)
def test_scopes_add_up(one: frozenset[str], other: frozenset[str]) -> None:
    """Several scopes allow what each of them allows, and nothing that none does."""
    assert kinds_for(one | other) == kinds_for(one) | kinds_for(other)
    assert kinds_for(one) <= set(KINDS)
