"""Kinds of entries: which of them somebody with some scopes may hear of."""

from hypothesis import given
from hypothesis import strategies as st

from qabel.contract.access import SCOPES
from qabel.core.journal.kinds import KINDS, kinds_for

SOME_SCOPES = st.sets(st.sampled_from(SCOPES))


def test_each_scope_has_its_kinds() -> None:
    """Readers hear of messages and deliveries, senders of deliveries, settings of settings."""
    assert kinds_for(["read"]) == {"drop", "outbox"}
    assert kinds_for(["send"]) == {"outbox"}
    assert kinds_for(["settings"]) == {"settings", "synced"}


def test_who_may_do_everything_hears_of_everything() -> None:
    """With the scope admin there is no kind that is kept back."""
    assert kinds_for(["admin"]) == set(KINDS)


def test_without_a_scope_there_is_nothing_to_hear() -> None:
    """No scope, or an unknown one, allows no kind."""
    assert kinds_for([]) == kinds_for(["nonsense"]) == set()


@given(SOME_SCOPES, SOME_SCOPES)
def test_scopes_add_up(one: set[str], other: set[str]) -> None:
    """Several scopes allow what each of them allows, and nothing that none does."""
    assert kinds_for(one | other) == kinds_for(one) | kinds_for(other)
    assert kinds_for(one) <= set(KINDS)
