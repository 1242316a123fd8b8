"""Sizes on command lines: what is one, what is said otherwise, and how they are shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.host.byte_sizes import format_size, parse_size
from qabel.host.start_errors import StartError

MOST = 2**62


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1", 1),
        ("1024", 1024),
        ("1k", 1024),
        ("2K", 2048),
        ("500M", 500 * 2**20),
        ("2G", 2 * 2**30),
        ("2g", 2 * 2**30),
        ("3T", 3 * 2**40),
        ("1.5 GB", 3 * 2**29),
        ("1.5GiB", 3 * 2**29),
        ("0.5k", 512),
        ("1.9", 1),
        ("7 B", 7),
        ("  10 MB  ", 10 * 2**20),
        (str(MOST), MOST),
    ],
)
def test_sizes(text: str, size: int) -> None:
    """With a unit or without, in either case, and with a point."""
    assert parse_size("quota", text) == size


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "0", "0.4", "0G", "-1", "+1", "G", ".5G", "1.", "1,5G", "1e9", "1_000", "nan"),
        *(
            "inf",
            "2GG",
            "2 G B",
            "2P",
            "much",
            "\u0662G",
            "1\u212a",
            "9" * 400,
            f"{MOST}K",
            "5000000T",
        ),
    ],
)
def test_others(text: str) -> None:
    """The message names the option, and quotes what was given."""
    with pytest.raises(StartError) as raised:
        parse_size("max-size", text)
    assert str(raised.value) == f"--max-size must be a size such as 500M or 2G, not {text!r}"


@given(st.text(alphabet="0123456789. kKmMgGtTiIbB-,e"))
def test_a_size_is_positive(text: str) -> None:
    """Whatever is given: it is refused, or it is a number of bytes that a file system can have."""
    try:
        size = parse_size("quota", text)
    except StartError:
        return
    assert 1 <= size <= MOST


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (17, "17 bytes"),
        (1023, "1,023 bytes"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (10 * 2**20, "10.0 MiB"),
        (2 * 2**30, "2.0 GiB"),
        (5 * 2**40, "5.0 TiB"),
        (2000 * 2**40, "2,000.0 TiB"),
    ],
)
def test_shown_sizes(size: int, text: str) -> None:
    """Each in the largest unit of which there is at least one."""
    assert format_size(size) == text


@given(st.integers(1, MOST))
def test_what_is_shown_can_be_given(size: int) -> None:
    """Up to rounding, what is shown means the same size on a command line."""
    shown = format_size(size).replace(",", "")
    assert parse_size("quota", shown) == pytest.approx(size, rel=0.05, abs=0)
