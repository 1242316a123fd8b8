"""The target of a request in each of its forms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.rest.http.request_target import RequestTarget, parse_target


@pytest.mark.parametrize(
    ("target", "uri", "authority"),
    [
        (b"http://localhost:9696/settings?x=1", b"/settings?x=1", b"localhost:9696"),
        (b"HTTP://[::1]/a", b"/a", b"[::1]"),
        (b"http://localhost", b"/", b"localhost"),
        (b"http://localhost?x", b"/?x", b"localhost"),
        (b"http://localhost//a", b"//a", b"localhost"),
        (b"http://me@localhost/a", b"/a", b"me@localhost"),
        (b"http:///a", b"/a", b""),
        (b"http://evil.example/http://localhost/", b"/http://localhost/", b"evil.example"),
    ],
)
def test_absolute_form(target: bytes, uri: bytes, authority: bytes) -> None:
    """The absolute form is a host, whatever it is, and a path with its query."""
    assert parse_target(target, secure=False) == RequestTarget(uri, authority)
    over_tls = b"https" + target[4:]
    assert parse_target(over_tls, secure=True) == RequestTarget(uri, authority)
    assert parse_target(over_tls, secure=False) == RequestTarget(over_tls)
    assert parse_target(target, secure=True) == RequestTarget(target)


@pytest.mark.parametrize(
    "target",
    [b"/a?b", b"*", b"localhost:80", b"//localhost/a", b"http:/a", b"http://a/b#c", b"ftp://a/b"],
)
def test_other_forms(target: bytes) -> None:
    """All that is not in the absolute form stays as it is, and names no host."""
    assert parse_target(target, secure=False) == RequestTarget(target)


@given(st.binary(), st.booleans())
def test_no_target_breaks_it(target: bytes, secure: bool) -> None:
    """Whatever the target is, there is a result."""
    assert parse_target(b"http://" + target, secure=secure)
    assert parse_target(target, secure=secure)
