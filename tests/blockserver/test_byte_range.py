"""Parts of an object: the same bytes as a slice has, or none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.blockserver.byte_range import ByteRange, UnsatisfiableRange, parse_range

CONTENT = bytes(range(100))

BOUND = st.one_of(st.none(), st.integers(0, 130))


@pytest.mark.parametrize(
    ("header", "begin", "end"),
    [
        ("bytes=0-", 0, 100),
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=99-", 99, 100),
        ("bytes=90-1000", 90, 100),
        ("bytes=0-999999999999999999", 0, 100),
        ("bytes=-1", 99, 100),
        ("bytes=-100", 0, 100),
        ("bytes=-1000", 0, 100),
        ("  bytes=007-008 ", 7, 9),
    ],
)
def test_ranges(header: str, begin: int, end: int) -> None:
    """From a byte to another, to the end, and so many at the end."""
    assert parse_range(header, 100) == ByteRange(begin, end)


@pytest.mark.parametrize(
    "header",
    [
        *(None, "", "bytes", "bytes=", "bytes=-", "bytes=5", "bytes=9-5", "bytes=a-b", "lines=1-2"),
        *("bytes=0-1,3-4", "bytes=0-1, 200-", "bytes 0-1", "Bytes=0-1", "bytes= 0-1", "bytes=0 -1"),
        *("bytes=--1", "bytes=0--1", "bytes=+1-2", "bytes=0-1\nx", "bytes=\u0661-\u0662"),
        "bytes=0-9999999999999999999",
    ],
)
def test_what_counts_as_none(header: str | None) -> None:
    """Then the whole object is sent."""
    assert parse_range(header, 100) is None


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-100", "bytes=5000-6000", "bytes=-0"])
def test_what_is_not_there(header: str) -> None:
    """A range without any byte cannot be sent."""
    with pytest.raises(UnsatisfiableRange):
        parse_range(header, 100)


@pytest.mark.parametrize("header", ["bytes=0-", "bytes=0-0", "bytes=-5"])
def test_an_empty_object_has_no_parts(header: str) -> None:
    """Whatever part is asked for."""
    with pytest.raises(UnsatisfiableRange):
        parse_range(header, 0)


def test_the_header_of_the_response() -> None:
    """It names the last byte that is sent, and not the one after it."""
    assert ByteRange(0, 1).content_range(100) == "bytes 0-0/100"
    assert ByteRange(10, 20).content_range(100) == "bytes 10-19/100"


@given(first=BOUND, last=BOUND, size=st.integers(0, 100))
def test_it_is_what_a_slice_has(first: int | None, last: int | None, size: int) -> None:
    """Each range has the bytes that a slice with these bounds has."""
    content = CONTENT[:size]
    if first is None:
        wanted = content[max(0, size - (last or 0)) :]
    else:
        wanted = content[first:] if last is None else content[first : last + 1]
    header = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    try:
        found = parse_range(header, size)
    except UnsatisfiableRange:
        assert wanted == b""
        return
    if found is None:
        assert first is last is None or (first is not None and last is not None and last < first)
    else:
        assert content[found.begin : found.end] == wanted
        assert len(wanted) == found.end - found.begin > 0


@given(header=st.text(alphabet="bytes=0123456789-, \n"), size=st.integers(0, 2**62))
def test_any_text_is_a_range_or_none(header: str, size: int) -> None:
    """Nothing else is raised, and a range lies within the object."""
    try:
        found = parse_range(header, size)
    except UnsatisfiableRange:
        return
    assert found is None or 0 <= found.begin < found.end <= size
