"""Cursors of drops, as they are stored and sent back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.web.http_headers import Headers

from qabel.net.drop_cursor import cursor_header, date_cursor, hour_cursor, read_cursor, went_back


@pytest.mark.parametrize(
    ("since", "header"),
    [
        (None, None),
        ("", None),
        ("1795419528.328829", (b"X-Qabel-New-Since", b"1795419528.328829")),
        (
            "lm:Mon, 23 Nov 2026 07:38:48 GMT",
            (b"If-Modified-Since", b"Mon, 23 Nov 2026 07:38:47 GMT"),
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


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        ("5", "10", True),
        ("10", "5", False),
        ("10", "10", False),
        ("1795419528.5", "1795419528.328829", False),
        ("1795419527.5", "1795419528.328829", True),
        ("lm:Mon, 23 Nov 2026 07:38:48 GMT", "lm:Mon, 23 Nov 2026 07:38:49 GMT", True),
        ("lm:Mon, 23 Nov 2026 07:38:49 GMT", "lm:Mon, 23 Nov 2026 07:38:49 GMT", False),
        ("lm:now", "lm:then", False),
        ("5", "lm:Mon, 23 Nov 2026 07:38:49 GMT", False),
        ("abc", "abd", False),
        ("9" * 400, "9" * 401, False),
        (None, "5", False),
        ("5", None, False),
    ],
)
def test_cursors_that_went_back(new, old, expected):
    """Numbers and dates can be compared; of other cursors nothing is known."""
    assert went_back(new, old) is expected


def test_a_cursor_by_date():
    """It requests all messages of a second again: one of them may have come later."""
    cursor = date_cursor(1_795_419_528)
    assert cursor_header(cursor) == (b"If-Modified-Since", b"Mon, 23 Nov 2026 07:38:47 GMT")
    assert date_cursor(10**18) is None


def test_a_cursor_that_many_have() -> None:
    """It is an hour before a moment, cut to the hour, and sent just so."""
    moment = 1_800_003_599
    assert cursor_header(hour_cursor(moment)) == (
        b"If-Modified-Since",
        b"Fri, 15 Jan 2027 07:00:00 GMT",
    )
    assert hour_cursor(moment) == hour_cursor(moment - 3599) != hour_cursor(moment + 1)
