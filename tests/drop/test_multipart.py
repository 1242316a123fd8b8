"""Multipart responses of a drop server: encoding, and parsing in arbitrary pieces."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.drop.multipart import (
    IncompleteMultipart,
    MalformedPart,
    MultipartError,
    MultipartParser,
    NotMultipart,
    Part,
    closing_boundary,
    content_type,
    encode_part,
    new_boundary,
)

DATE = "Mon, 23 Nov 2026 07:38:48 +0000"
BODIES = st.lists(
    st.binary(max_size=60)
    | st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"-", b"--", b"--B", b"B", b" ", b"x"])).map(
        b"".join
    ),
    max_size=6,
).map(lambda bodies: [body for body in bodies if b"\r\n--B" not in b"\r\n" + body + b"\r\n"])
PIECES = st.lists(st.integers(min_value=0, max_value=50))


def answer(bodies: list[bytes], boundary: str = "B") -> bytes:
    """Encode a response with these messages."""
    return b"".join(encode_part(boundary, body, DATE) for body in bodies) + closing_boundary(
        boundary
    )


def read(
    data: bytes, pieces: list[int] | None = None, kind: str = "multipart/mixed; boundary=B"
) -> tuple[list[Part], MultipartError | None]:
    """Feed the data in pieces of these sizes and return the parts and how parsing ended."""
    parser = MultipartParser(kind, part_limit=100)
    parts: list[Part] = []
    try:
        for size in pieces or []:
            parts += parser.feed(data[:size])
            data = data[size:]
        parts += parser.feed(data)
        parser.finish()
    except MultipartError as error:
        return parts, error
    return parts, None


def test_answer_of_the_deployed_server_is_read() -> None:
    """A recorded response of qabel-drop yields its messages and their dates."""
    data = (
        b"--6f1d\r\nContent-Type: application/octet-stream\r\nDate: Mon, 23 Nov 2026 07:38:48 +0000"
        b"\r\n\r\none\r\n--6f1d\r\nContent-Type: application/octet-stream\r\n"
        b"Date: Mon, 23 Nov 2026 07:38:49 +0000\r\n\r\n\r\n--two\r\n\r\n--6f1d--\r\n"
    )
    parts, error = read(data, kind='multipart/mixed; boundary="6f1d"')
    assert error is None
    assert parts == [
        Part(b"one", "Mon, 23 Nov 2026 07:38:48 +0000"),
        Part(b"\r\n--two\r\n", "Mon, 23 Nov 2026 07:38:49 +0000"),
    ]


def test_answer_is_written_as_the_deployed_server_writes_it() -> None:
    """Our encoder writes the same bytes as qabel-drop."""
    assert encode_part("B", b"\0\r\n", DATE) == (
        b"--B\r\nContent-Type: application/octet-stream\r\n"
        b"Date: Mon, 23 Nov 2026 07:38:48 +0000\r\n\r\n\0\r\n\r\n"
    )
    assert closing_boundary("B") == b"--B--\r\n"
    assert content_type("B") == 'multipart/mixed; boundary="B"'
    assert new_boundary() != new_boundary()


@given(BODIES, PIECES)
def test_any_split_gives_the_same_parts(bodies: list[bytes], pieces: list[int]) -> None:
    """The messages are the same however the network splits the response."""
    parts, error = read(answer(bodies), pieces)
    assert error is None
    assert parts == [Part(body, DATE) for body in bodies]


@given(st.binary(max_size=200), PIECES, st.integers(min_value=0, max_value=400))
def test_no_input_breaks_the_parser(noise: bytes, pieces: list[int], place: int) -> None:
    """Arbitrary bytes yield the same parts and the same outcome for every split."""
    good = answer([b"one", b"two"])
    for data in (noise, good[:place] + noise, good[:place] + noise + good[place:]):
        whole, error = read(data)
        split, other = read(data, pieces)
        assert (split, type(other)) == (whole, type(error))


@given(
    st.lists(st.sampled_from([b"--B", b"\r\n", b"--", b"\r", b" ", b"x", b"a:b", b"Date: d"])),
    PIECES,
)
def test_pieces_of_the_format_in_any_order_break_nothing(
    pieces: list[bytes], splits: list[int]
) -> None:
    """Near misses of a response yield the same result for every split."""
    whole, error = read(b"".join(pieces))
    split, other = read(b"".join(pieces), splits)
    assert (split, type(other)) == (whole, type(error))


@given(BODIES, st.integers(min_value=1, max_value=1000))
def test_torn_answer_keeps_its_whole_parts(bodies: list[bytes], cut: int) -> None:
    """A response cut anywhere before the end of its closing boundary is incomplete."""
    data = answer(bodies)[:-2]
    parts, error = read(data[:-cut])
    assert isinstance(error, IncompleteMultipart)
    assert parts == [Part(body, DATE) for body in bodies][: len(parts)]


@pytest.mark.parametrize(
    "body", [b"x" * 100, b"\r\n--" + b"x" * 90, b"\r\n" * 50, b"\r\n--B\r" * 14, b"\r\n--Bx", b""]
)
def test_part_of_exactly_the_limit_is_whole(body: bytes) -> None:
    """A body of exactly the limit fits; a line that only starts like a boundary is part of it."""
    assert read(answer([body, b"y"]), [1] * 400) == ([Part(body, DATE), Part(b"y", DATE)], None)


@pytest.mark.parametrize(
    "body", [b"x" * 101, b"x" * 5000, b"\r\n--B x" * 100, b"\r\n--B-" * 100, b"\r\n" * 51]
)
@pytest.mark.parametrize("pieces", [[], [1] * 6000, [7] * 1000])
def test_oversized_part_is_passed_over(body: bytes, pieces: list[int]) -> None:
    """A part over the limit is reported as empty; those around it are intact."""
    parts, error = read(answer([b"a", body, b"b"]), pieces)
    assert error is None
    assert parts == [Part(b"a", DATE), Part(b"", DATE), Part(b"b", DATE)]


def test_preamble_epilogue_and_padding_are_passed_over() -> None:
    """A preamble, an epilogue and blanks after a boundary are allowed (RFC 2046)."""
    data = (
        b"preamble\r\n--Bx\r\n--B \t\r\n\r\none\r\n"
        b"--B\r\ndate:  D \r\nDate: E\r\n\r\n\r\n--B--later\r\n--B\r\n\r\nx\r\n--B--"
    )
    assert read(data) == ([Part(b"one"), Part(b"", "D")], None)
    assert read(data, [1] * 200) == ([Part(b"one"), Part(b"", "D")], None)


def test_an_answer_without_parts_is_whole() -> None:
    """The closing boundary alone is a complete response."""
    parser = MultipartParser("multipart/mixed; boundary=B")
    assert parser.feed(b"--B-") == []
    assert not parser.complete
    assert parser.feed(b"-") == []
    assert parser.complete
    parser.finish()
    assert parser.feed(b"more") == []


@pytest.mark.parametrize("pieces", [[], [1] * 9000])
@pytest.mark.parametrize(
    "head", [b"x" * 5000, b"no colon\r\n\r\n", b"a: " + b"b" * 4094 + b"\r\n\r\n"]
)
def test_malformed_header_lines_end_the_reading(head: bytes, pieces: list[int]) -> None:
    """Oversized or malformed headers raise; the parts before them are still returned."""
    data = encode_part("B", b"one", DATE) + b"--B\r\n" + head + b"body\r\n" + closing_boundary("B")
    parts, error = read(data, pieces)
    assert parts == [Part(b"one", DATE)]
    assert isinstance(error, MalformedPart)


def test_header_lines_of_exactly_the_limit_are_read() -> None:
    """Headers of exactly 4096 bytes are accepted."""
    data = b"--B\r\na: " + b"b" * 4093 + b"\r\n\r\nbody\r\n--B--"
    assert read(data, [1] * 5000) == ([Part(b"body")], None)


@pytest.mark.parametrize(
    ("kind", "boundary"),
    [
        ("multipart/mixed; boundary=B", "B"),
        ('Multipart/Mixed;BOUNDARY="B"', "B"),
        ('multipart/mixed; charset=utf-8; boundary="a b:c?"; x="y;z"', "a b:c?"),
        ("multipart/mixed; boundary=a.b_c:d ; x=y", "a.b_c:d"),
        ('multipart/mixed; x="boundary=no"; boundary=' + "b" * 70, "b" * 70),
    ],
)
def test_boundary_is_found_in_the_content_type(kind: str, boundary: str) -> None:
    """The boundary may be quoted or not, in any case, among other parameters."""
    assert read(answer([b"one"], boundary), kind=kind) == ([Part(b"one", DATE)], None)


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text/plain",
        "text/plain; boundary=B",
        "multipart/mixed",
        "multipart/mixed; boundary=",
        'multipart/mixed; boundary=""',
        'multipart/mixed; boundary="B',
        'multipart/mixed; boundary="B "',
        'multipart/mixed; boundary="B\r\n"',
        "multipart/mixed; boundary=ä",
        'multipart/mixed; x="; boundary=B"',
        "multipart/mixed; boundary=" + "b" * 71,
        "multipart/mixedx; boundary=B",
        "multipart/mixed; boundary=B" + " " * 1000,
    ],
)
def test_content_type_without_a_usable_boundary_is_refused(kind: str) -> None:
    """Anything but multipart/mixed with a valid boundary (RFC 2046) is rejected."""
    with pytest.raises(NotMultipart):
        MultipartParser(kind)


@given(st.text(alphabet='multipart/mixed; boundary="Bx=\r\n ', max_size=80))
def test_no_content_type_breaks_the_parser(text: str) -> None:
    """Any content type yields a parser or raises NotMultipart."""
    for kind in (text, f"multipart/mixed;{text}"):
        try:
            MultipartParser(kind)
        except NotMultipart:
            continue


def drain(total: int, piece: bytes) -> None:
    """Feed that many bytes in such pieces and discard the parts."""
    parser = MultipartParser("multipart/mixed; boundary=B")
    for _ in range(total // len(piece)):
        parser.feed(piece)


@pytest.mark.parametrize(
    ("total", "piece"),
    [
        (100_000_000, encode_part("B", b"x" * 2149, DATE) * 28),
        (100_000_000, b"x" * 65536),
        (5_000_000, b"\r\n--B." * 9000),
        (1_000_000, b"\r\n--B\r\n\r\n" * 6000),
    ],
)
def test_large_answer_takes_bounded_memory(total: int, piece: bytes) -> None:
    """100 MB in pieces of 64 KiB are parsed while only a few pieces are in memory."""
    drain(total, piece)
    tracemalloc.start()
    drain(20 * len(piece), piece)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * len(piece) + 200 * piece.count(b"\r\n\r\n")
