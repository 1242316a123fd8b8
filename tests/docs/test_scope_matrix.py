"""The table of scopes in the documentation is that of the routes."""

import pytest

from qabel.contract.access import FOR_ONE_IDENTITY, SCOPES
from tests.docs.scope_matrix import FILE, ONE, Request, requests, table

ALL = [each for each in requests() if each.route.scopes]


def test_the_documentation_has_the_table() -> None:
    """``python -m tests.docs.scope_matrix`` writes it anew; what moves in it is looked at."""
    assert FILE.read_text() == table()


@pytest.mark.parametrize("request_", ALL, ids=lambda each: f"{each.route.method} {each.path}")
def test_every_request_has_its_scopes(request_: Request) -> None:
    """Admins are admitted everywhere; limited to an identity, a scope never admits to more.

    Only what is as good as the main token is for the main token only.
    """
    admitted = {scope for scope in SCOPES if request_.admits(scope)}
    assert ("admin" in admitted) is not request_.route.for_owner_only
    limited = {scope for scope in FOR_ONE_IDENTITY if request_.admits(scope, ONE)}
    assert limited <= admitted


def test_who_gets_private_keys() -> None:
    """Only the scopes that say so reach a private key or credentials."""
    secret = {"GET /synced", "GET /identities/{ref}/export"}
    seen = {
        scope
        for each in ALL
        if f"{each.route.method} {each.path}" in secret
        for scope in SCOPES
        if each.admits(scope)
    }
    assert seen == {"settings", "keys", "admin"}


def test_who_makes_tokens() -> None:
    """No scope leads to more than it allows: only admins make tokens and webhooks."""
    for each in ALL:
        if each.route.method != "GET" and each.path in ("/tokens", "/tokens/main", "/webhooks"):
            assert [scope for scope in SCOPES if each.admits(scope)] == ["admin"]
