"""The token of a closed group, and the header that it is sent in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.drop.group_token import LONGEST_TOKEN, authorization, is_group_token


@pytest.mark.parametrize("token", ["x", "Zm9vYmFy+/==", "a,b;c:d", "~!", "x" * LONGEST_TOKEN])
def test_a_token(token: str) -> None:
    """Printable ASCII characters are a token."""
    assert is_group_token(token)
    assert authorization(token) == b"Client " + token.encode()


@pytest.mark.parametrize("text", ["", " ", "a b", "a\n", "\na", "a\r\nX: y", "ä", "\x7f", "\0"])
def test_what_is_none(text: str) -> None:
    """What could end a header, or come out of it otherwise, is none."""
    assert not is_group_token(text)
    assert not is_group_token("x" * (LONGEST_TOKEN + 1))


@given(st.text())
def test_what_is_one_fits_in_a_header(text: str) -> None:
    """It arrives as it was sent, alone in its line."""
    if is_group_token(text):
        assert authorization(text).decode().split(" ") == ["Client", text]
        assert authorization(text).splitlines() == [authorization(text)]


def test_without_a_token() -> None:
    """Posts without a token have the header that all deployed clients send."""
    assert authorization() == authorization("") == b"Client Qabel"
