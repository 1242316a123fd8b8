"""Stamps survive formatting and parsing, and anything else is rejected."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.dropserver.stamps import (
    SECOND,
    format_http_date,
    format_latest,
    format_part_date,
    parse_http_date,
    parse_latest,
)

STAMPS = st.integers(0, 253_402_300_799 * SECOND + SECOND - 1)


@given(STAMPS)
def test_latest_comes_back_as_it_went(stamp: int) -> None:
    """A value of X-Qabel-Latest parses to exactly the stamp it was made from."""
    assert parse_latest(format_latest(stamp)) == stamp


@given(STAMPS, STAMPS)
def test_latest_grows_with_the_stamp(one: int, other: int) -> None:
    """As decimal numbers, values have the order of their stamps."""
    assert (float(format_latest(one)) <= float(format_latest(other))) or one > other


def test_latest_looks_like_the_deployed_one() -> None:
    """A value is a number of seconds with six decimals."""
    assert format_latest(1795419528328829) == "1795419528.328829"
    assert format_latest(1451606400000000) == "1451606400.000000"


@pytest.mark.parametrize(
    ("text", "stamp"),
    [
        ("1451606400.0", 1451606400000000),
        ("1795419565.7", 1795419565700000),
        ("1795419565", 1795419565000000),
        ("1795419565.", 1795419565000000),
        (" 1.0000019999 ", 1000001),
    ],
)
def test_the_deployed_servers_values_are_read(text: str, stamp: int) -> None:
    """Values with fewer decimals, as Python formats floats, are accepted."""
    assert parse_latest(text) == stamp


@pytest.mark.parametrize(
    "text", ["", "garbage", "nan", "inf", "-1", "1e400", "1_0", "99999999999999", "٣", "1.2.3"]
)
def test_what_is_no_value_is_told(text: str) -> None:
    """Anything else is rejected, even what Python would accept as a number."""
    assert parse_latest(text) is None


@given(st.text())
def test_no_text_breaks_the_readers(text: str) -> None:
    """Any text yields a valid stamp or None."""
    for stamp in (parse_latest(text), parse_http_date(text)):
        assert stamp is None or format_latest(stamp)


@given(st.from_regex(r"[A-Z][a-z]{2}, [0-9]{1,3} [A-Z][a-z]{2} [0-9]{1,6} [0-9:]{1,9} [A-Z+0-9-]*"))
def test_no_near_date_breaks_the_reader(text: str) -> None:
    """Near misses of a date yield a stamp or None."""
    parse_http_date(text)


@given(STAMPS)
def test_dates_say_the_second(stamp: int) -> None:
    """A date parses to the second of its stamp; dates of parts have a fixed length."""
    assert parse_http_date(format_http_date(stamp)) == stamp // SECOND * SECOND
    assert format_http_date(stamp).endswith(" GMT")
    assert len(format_part_date(stamp)) == len("Mon, 23 Nov 2026 07:38:48 +0000")


@pytest.mark.parametrize(
    "text",
    ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"],
)
def test_all_three_forms_of_http_dates_are_read(text: str) -> None:
    """The obsolete date formats of RFC 9110 are accepted."""
    assert parse_http_date(text) == 784111777 * SECOND


@pytest.mark.parametrize("text", ["warghabl", "0", "", "Sun, 99 Nov 1994 08:49:37 GMT"])
def test_what_is_no_date_is_told(text: str) -> None:
    """Anything else is rejected."""
    assert parse_http_date(text) is None
