"""Dividing the bytes of a connection into requests."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.anonymity.recording import PUSH
from tests.anonymity.request_reader import Request, RequestReader

GET = b"GET /abc HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /def HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
WS = b"GET /abc/ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"

EXPECTED = [
    Request("GET", "abc", GET, b""),
    Request("POST", "def", POST, b"hello"),
    Request(PUSH, "abc", WS, b""),
]


@given(st.lists(st.integers(0, len(GET + POST + WS) + 6), max_size=6))
def test_requests_are_found_however_they_arrive(places: list[int]) -> None:
    """Requests are the same however the bytes are divided; after the last one is a tunnel."""
    stream = GET + POST + WS + b"frames"
    reader = RequestReader()
    found, rest = [], b""
    marks = [0, *sorted(places), len(stream)]
    for start, end in pairwise(marks):
        found += reader.feed(stream[start:end])
        if reader.is_tunnel:
            rest += reader.rest()
    assert found == EXPECTED
    assert rest == b"frames"


def test_a_whole_url_names_the_drop_too() -> None:
    """A request line with a whole URL, as proxies are sent, has the same drop."""
    [request] = RequestReader().feed(b"GET http://x:80/abc HTTP/1.1\r\nHost: x\r\n\r\n")
    assert request.drop == "abc"


def test_other_things_are_refused() -> None:
    """What is no request is an error."""
    with pytest.raises(ValueError, match="no request"):
        RequestReader().feed(b"\x16\x03\x01\r\n\r\n")
