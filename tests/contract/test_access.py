"""Access: what follows from the scopes and the owner of a token."""

import pytest

from qabel.cli.token import SCOPES as COMMAND_SCOPES
from qabel.contract.access import (
    EVERYTHING,
    FOR_ONE_IDENTITY,
    SCOPE_TEXTS,
    SCOPES,
    Access,
    OneIdentity,
)


def access(*scopes: str) -> Access:
    """Return the access of a token with these scopes."""
    return Access(frozenset(scopes), None, 7)


def test_every_scope_is_explained() -> None:
    """Users are told what each scope allows, by the API and by the command."""
    assert tuple(SCOPE_TEXTS) == tuple(COMMAND_SCOPES) == SCOPES
    assert set(FOR_ONE_IDENTITY) < set(SCOPES)


def test_the_owner() -> None:
    """Requests without a further token are those of one owner; each token is another."""
    assert EVERYTHING.owner == 0
    assert access("admin").owner == 7


@pytest.mark.parametrize(
    ("given", "sees", "cancels"),
    [
        (EVERYTHING, True, True),
        (access("admin"), True, True),
        (access("read", "send"), True, False),
        (access("send"), False, False),
        (access("settings"), False, False),
    ],
)
def test_sends_of_others(given: Access, *, sees: bool, cancels: bool) -> None:
    """Readers see what others sent; only admins and the owner cancel it."""
    assert (given.sees_all_sends, given.is_admin) == (sees, cancels)


def test_who_sees_details() -> None:
    """Scopes that manage identities or contacts need e.g. the drop URLs; no other shows them."""
    seeing = {scope for scope in SCOPES if access(scope).sees_details}
    assert seeing == {"contacts", "keys", "settings", "admin"}
    assert EVERYTHING.sees_details


def test_an_identity_is_its_key_too() -> None:
    """Another key under the same id is another identity; the key is not shown."""
    assert OneIdentity(1, b"a") != OneIdentity(1, b"b")
    assert "SECRET" not in repr(OneIdentity(1, b"SECRET"))
