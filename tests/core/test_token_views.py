"""Tokens as clients see them."""

from qabel.core.token_views import TokenView, token_members
from qabel.store.tokens import Token


def test_when_a_token_ends() -> None:
    """A session ends some time after its last use, or after its beginning; others do not."""
    token = Token(
        id=1, name="a", scopes=("read",), digest=b"", identity=None, created=1000, last_used=None
    )
    assert TokenView(**token_members(token)).ends is None
    for used, ends in ((None, 1500), (1200, 1700)):
        session = Token(
            id=1, name="a", scopes=("read",), digest=b"", identity=None, created=1000,
            last_used=used, idle=500,
        )  # fmt: skip
        assert TokenView(**token_members(session)).ends == ends
