"""Dates of drop servers: the newest of them that can be, as it was written."""

from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qabel.core.receiving.server_dates import AHEAD, newest
from qabel.drop.dates import MAX_LENGTH

NOON = "Mon, 23 Nov 2026 12:00:00 GMT"
NOW = parsedate_to_datetime(NOON).timestamp()
NUMBERS = st.integers(0, 10**20) | st.integers(0, 100)
MOMENTS = st.datetimes(
    datetime(1970, 1, 1),  # noqa: DTZ001
    datetime(2026, 11, 24, 11, 59, 59),  # noqa: DTZ001
    timezones=st.just(UTC),
)
ALMOST_DATES = st.builds(
    "{}{} {} {} {}:{}:{} {}".format,
    st.sampled_from(["", "Mon, ", "Mon,", ",", "Xyz "]),
    NUMBERS,
    st.sampled_from(["Nov", "nov", "13", "Xyz", ""]),
    NUMBERS,
    NUMBERS,
    NUMBERS,
    NUMBERS,
    st.builds("{}{}".format, st.sampled_from(["+", "-", ""]), NUMBERS)
    | st.sampled_from(["GMT", "EST", "-0000", "+2400", "+", "(", ""]),
)


def test_the_spelling_stays() -> None:
    """The newest date is returned as its server wrote it, in either format."""
    later = "23 Nov 2026 12:00:01 +0000"
    assert newest([NOON, later], NOW) == later
    assert newest([later, NOON], NOW) == later


def test_time_zones_count() -> None:
    """Dates are compared as moments, not as texts; one without a time zone is in UTC."""
    later = "Mon, 23 Nov 2026 12:00:01 -0000"
    assert newest([NOON, "Mon, 23 Nov 2026 12:30:00 +0100"], NOW) == NOON
    assert newest([NOON, later], NOW) == later


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "never",
        "Mon, 99 Nov 2026 12:00:00 GMT",
        "\0",
        "12" * 500,
        "1 Jan 1 00:00 +99999999999999",
        "Mon, 23 Nov 2026 12:00:00 +99999999999999999999",
        "Fri, 01 Jan 9999 00:00:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 -2359",
        "Tue, 24 Nov 2026 12:00:00 GMT",
        "Wed, 31 Dec 1969 23:59:59 GMT",
        "Mon, 23 Nov 2026 12:00:01 GMT (" + "x" * MAX_LENGTH + ")",
        "Mon, 23 Nov 2026 12:00:01 GMT (\x1b[2J)",
        "Mon, 23 Nov 2026 12:00:01 GMT (\xe4)",
        "Mon, 23 Nov 20\u0662\u0666 12:00:01 GMT",
    ],
)
def test_what_cannot_be_is_ignored(text: str | None) -> None:
    """A text that is no date, or a date that cannot be yet, counts nothing."""
    assert newest([text, NOON, text], NOW) == NOON
    assert newest([text], NOW) is None


def test_a_clock_may_be_a_day_ahead() -> None:
    """A date is believed if it is less than a day ahead, and what was noted before heals."""
    assert newest([], NOW) is None
    tomorrow = "Tue, 24 Nov 2026 11:59:59 GMT"
    assert newest([tomorrow, NOON], NOW) == tomorrow
    assert newest([tomorrow, NOON], NOW - 1) == NOON
    assert newest(["Fri, 01 Jan 9999 00:00:00 GMT", NOON], NOW) == NOON


@given(st.lists(st.none() | st.text(max_size=30) | ALMOST_DATES))
@example(["1 Jan 1 00:00 +99999999999999"])
@example(["1 Jan 0001 00:00:00 +2359", "1 Jan 0 00:00:00 -2359"])
def test_nothing_raises(texts: list[str | None]) -> None:
    """Whatever a server writes, the result is one of its texts that can be, or None."""
    found = newest(texts, NOW)
    assert found in {None, *texts}
    assert newest([found], NOW) == found


@given(st.lists(MOMENTS, min_size=1))
def test_the_latest_moment(moments: list[datetime]) -> None:
    """Of valid dates the result is the latest, to the second."""
    assert all(each.timestamp() < NOW + AHEAD for each in moments)
    found = newest((format_datetime(each, usegmt=True) for each in moments), NOW)
    assert found is not None
    assert parsedate_to_datetime(found) == max(moments).replace(microsecond=0)
