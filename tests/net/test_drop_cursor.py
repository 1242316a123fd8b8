"""Cursors of drops, as they are stored and sent back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.web.http_headers import Headers

from qabel.net.drop_cursor import cursor_header, read_cursor


@pytest.mark.parametrize(
    ("since", "header"),
    [
        (None, None),
        ("", None),
        ("1795419528.328829", (b"X-Qabel-New-Since", b"1795419528.328829")),
        (
            "lm:Mon, 23 Nov 2026 07:38:48 GMT",
            (b"If-Modified-Since", b"Mon, 23 Nov 2026 07:38:48 GMT"),
        ),
        ("lm:", None),
        ("a\r\nX: y", None),
        (" a", None),
        ("ä", None),
        ("x" * 257, None),
        ("x" * 256, (b"X-Qabel-New-Since", b"x" * 256)),
    ],
)
def test_header(since, header):
    """A cursor that is not clean text is not sent: the whole drop is requested."""
    assert cursor_header(since) == header


@pytest.mark.parametrize(
    ("headers", "cursor"),
    [
        (
            {"X-Qabel-Latest": ["17.5"], "Last-Modified": ["Mon, 23 Nov 2026 07:38:48 GMT"]},
            "17.5",
        ),
        ({"Last-Modified": ["Mon, 23 Nov 2026 07:38:48 GMT"]}, "lm:Mon, 23 Nov 2026 07:38:48 GMT"),
        ({"X-Qabel-Latest": ["1" * 300]}, None),
        ({"X-Qabel-Latest": ["a\x01b"]}, None),
        ({"X-Qabel-Latest": ["lm:x"], "Last-Modified": ["now"]}, "lm:now"),
        ({"X-Qabel-Latest": ["1", "2"]}, None),
        ({}, None),
    ],
)
def test_read(headers, cursor):
    """A cursor is opaque, but must be something that can be sent back."""
    assert read_cursor(Headers(headers)) == cursor


@given(st.binary(max_size=300), st.binary(max_size=40))
def test_what_is_kept_can_be_sent_back(latest, modified):
    """Any value of a server is sent back unchanged, or not stored at all."""
    headers = Headers({b"X-Qabel-Latest": [latest], b"Last-Modified": [modified]})
    cursor = read_cursor(headers)
    if cursor is not None:
        name, value = cursor_header(cursor)
        given_as = b"X-Qabel-Latest" if name == b"X-Qabel-New-Since" else b"Last-Modified"
        assert headers.getRawHeaders(given_as) == [value]
