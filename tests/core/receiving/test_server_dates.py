"""Dates of drop servers: the newest of them, as it was written."""

from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from hypothesis import given
from hypothesis import strategies as st

from qabel.core.receiving.server_dates import newest

HUGE = "Mon, 23 Nov 2026 12:00:00 +99999999999999999999"
NOON = "Mon, 23 Nov 2026 12:00:00 GMT"

MOMENTS = st.datetimes(datetime(1970, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001

ALMOST_DATES = st.from_regex(
    r"(Mon, )?[0-9]{1,20} Nov [0-9]{1,20} [0-9]{1,20}:[0-9]{2}:[0-9]{1,20} [+-][0-9]{1,20}",
    fullmatch=True,
)


def test_the_spelling_stays() -> None:
    """The newest date is returned as its server wrote it, in either format."""
    later = "23 Nov 2026 12:00:01 +0000"
    assert newest([NOON, later]) == later
    assert newest([later, NOON]) == later


def test_time_zones_count() -> None:
    """Dates are compared as moments, not as texts; one without a time zone is in UTC."""
    assert newest([NOON, "Mon, 23 Nov 2026 12:30:00 +0100"]) == NOON
    assert newest([NOON, "Mon, 23 Nov 2026 12:00:01 -0000"]) == "Mon, 23 Nov 2026 12:00:01 -0000"


def test_what_is_no_date_is_ignored() -> None:
    """Texts that are no dates count nothing, however many there are."""
    rubbish = [None, "", "never", "Mon, 99 Nov 2026 12:00:00 GMT", "\0", "12" * 500, HUGE]
    assert newest([*rubbish, NOON, *rubbish]) == NOON
    assert newest(rubbish) is None
    assert newest([]) is None


@given(st.lists(st.none() | st.text(max_size=30) | ALMOST_DATES))
def test_nothing_raises(texts: list[str | None]) -> None:
    """Whatever a server writes, the result is one of its texts or None."""
    assert newest(texts) in {None, *texts}


@given(st.lists(MOMENTS, min_size=1))
def test_the_latest_moment(moments: list[datetime]) -> None:
    """Of valid dates the result is the latest, to the second."""
    found = newest(format_datetime(each, usegmt=True) for each in moments)
    assert found is not None
    assert parsedate_to_datetime(found) == max(moments).replace(microsecond=0)
