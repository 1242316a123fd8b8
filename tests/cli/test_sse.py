"""Server-sent events, however the network cuts them."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from qabel.cli.sse import Event, EventReader

STREAM = (
    b"id: db.1\n\n"
    b": \n\n"
    b'id: db.2\nevent: drop\ndata: {"a":\ndata: 1}\n\n'
    b"id: db.3\r\nevent: outbox\r\ndata:{}\r\n\r\n"
    b"data: \xc3\xa9\n\n"
    b"retry: 5\nid: db.9\nevent: drop\ndata: cut off"
)

EVENTS = [
    Event("drop", '{"a":\n1}', "db.2"),
    Event("outbox", "{}", "db.3"),
    Event("message", "é", "db.3"),
]


def test_events() -> None:
    """Events, comments, ids without data and both kinds of line breaks are parsed."""
    reader = EventReader()
    assert list(reader.feed(STREAM)) == EVENTS


def test_half_an_event_moves_no_cursor() -> None:
    """An event that was cut off after its id arrives again when the reader resumes."""
    reader = EventReader()
    list(reader.feed(STREAM))
    assert reader.last_id == "db.3"


def test_id_without_data() -> None:
    """The cursor at the start of a stream is known before the first event."""
    reader = EventReader()
    assert list(reader.feed(b"id: db.7\n\n")) == []
    assert reader.last_id == "db.7"


@given(st.lists(st.integers(0, len(STREAM))))
def test_pieces(cuts: list[int]) -> None:
    """It does not matter where the stream is cut."""
    edges = [0, *sorted(cuts), len(STREAM)]
    reader = EventReader()
    pieces = [STREAM[a:b] for a, b in pairwise(edges)]
    assert [event for piece in pieces for event in reader.feed(piece)] == EVENTS


@given(st.binary(max_size=500))
def test_rubbish(data: bytes) -> None:
    """Any bytes are parsed without an error."""
    for event in EventReader().feed(data):
        assert event.kind
