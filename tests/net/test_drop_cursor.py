"""Places in a drop, as they are kept and sent back."""

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
    """What is no clean text is not sent at all: the whole drop is asked for."""
    assert cursor_header(since) == header


@given(st.binary(max_size=300), st.binary(max_size=40))
def test_what_is_kept_can_be_sent_back(latest, modified):
    """Whatever a server calls a place comes back to it unchanged, or is not kept."""
    headers = Headers({b"X-Qabel-Latest": [latest], b"Last-Modified": [modified]})
    cursor = read_cursor(headers)
    if cursor is not None:
        name, value = cursor_header(cursor)
        given_as = b"X-Qabel-Latest" if name == b"X-Qabel-New-Since" else b"Last-Modified"
        assert headers.getRawHeaders(given_as) == [value]
