"""Tokens: stored by their digests, and used until they are revoked."""

import pytest

from qabel.contract.access import OneIdentity
from qabel.deferreds import result_of
from qabel.store.database.database import Database
from qabel.store.database.errors import StoreError
from qabel.store.tokens import TokenRepository

NOW = 1_800_000_000.0
MS = int(NOW * 1000)


@pytest.fixture
def tokens(database: Database) -> TokenRepository:
    """Return the tokens of an empty database."""
    return TokenRepository(database)


def test_tokens_are_stored(tokens: TokenRepository) -> None:
    """All tokens are returned as they were added, oldest first."""
    one = result_of(tokens.add("cli", ["read", "send"], b"d1", None, now=NOW))
    two = result_of(tokens.add("phone", [], b"d2", OneIdentity(7, b"key"), now=NOW + 1))
    assert (one.name, one.scopes, one.created, one.last_used) == ("cli", ("read", "send"), MS, None)
    assert (one.identity, two.identity) == (None, OneIdentity(7, b"key"))
    assert result_of(tokens.all()) == [one, two]


def test_a_revoked_token_is_gone(tokens: TokenRepository) -> None:
    """A revoked token is gone, and its id is never used again."""
    token = result_of(tokens.add("phone", [], b"d1", None, now=NOW))
    for _ in range(2):
        result_of(tokens.revoke([token.id]))
    assert result_of(tokens.all()) == []
    assert result_of(tokens.add("again", [], b"d1", None, now=NOW)).id > token.id


def test_two_tokens_never_have_one_digest(tokens: TokenRepository) -> None:
    """A digest that another token has is rejected, and nothing is added."""
    token = result_of(tokens.add("cli", [], b"d1", None, now=NOW))
    with pytest.raises(StoreError):
        result_of(tokens.add("twice", [], b"d1", None, now=NOW))
    assert result_of(tokens.all()) == [token]


def test_the_last_use_of_tokens(tokens: TokenRepository) -> None:
    """Times of use only move forward, and those of revoked tokens are ignored."""
    token = result_of(tokens.add("cli", [], b"d1", None, now=NOW))
    result_of(tokens.touch({token.id: NOW + 5, 99: NOW}))
    result_of(tokens.touch({token.id: NOW + 1}))
    result_of(tokens.touch({}))
    assert [each.last_used for each in result_of(tokens.all())] == [MS + 5000]


def test_digests_are_not_shown(tokens: TokenRepository) -> None:
    """The repr of a token does not show its digest."""
    assert "SECRET" not in repr(result_of(tokens.add("cli", [], b"SECRET", None, now=NOW)))
