"""Times in the past: all that is understood, and what is wrong with the rest."""

import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.host.past_times import UNITS, InvalidTime, format_local_time, parse_past_time

NOW = 1_795_834_800.0
"""2026-11-28T03:00:00Z."""


@pytest.fixture(autouse=True)
def _in_tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have a local time that differs from UTC, all the year."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("2h", 7200),
        ("3d", 3 * 86_400),
        ("1.5 h", 5400),
        ("90m", 5400),
        ("90min", 5400),
        ("0s", 0),
        ("2w", 14 * 86_400),
        ("2026-11-28T02:00Z", 3600),
        ("2026-11-28T02:59:59.5+00:00", 0.5),
        ("2026-11-28 02:00+01:00", 7200),
        ("2026-11-28T11:00", 3600),
        (" 2026-11-28 ", 12 * 3600),
        ("20261128T110000", 3600),
    ],
)
def test_what_is_understood(text: str, ago: float) -> None:
    """How long ago, or a date and time, in local time unless it has a zone."""
    assert parse_past_time(text, NOW) == NOW - ago


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2", "2 years", "-2h", "2h ago", "28.11.2026", "2026-13-01", "\u0663h"],
)
def test_what_is_no_time(text: str) -> None:
    """It is said what would be one."""
    with pytest.raises(InvalidTime, match=r"is not a time; write 2h, 3d, 2026-"):
        parse_past_time(text, NOW)


@pytest.mark.parametrize("text", ["2026-11-28T04:00Z", "9999-12-31"])
def test_the_future(text: str) -> None:
    """What is to come is a mistake, such as of the time zone."""
    with pytest.raises(InvalidTime, match="is in the future"):
        parse_past_time(text, NOW)


def test_before_the_epoch() -> None:
    """What is older than anything is as old as it can be."""
    assert parse_past_time("1900-01-01", NOW) == parse_past_time("999999999w", NOW) == 0


@given(st.text(max_size=30) | st.from_regex(r"[0-9.]{1,12} ?[a-z]{1,3}", fullmatch=True))
def test_anything(text: str) -> None:
    """It is a time in the past, or an error that quotes it."""
    wrong = ""
    try:
        assert 0 <= parse_past_time(text, NOW) <= NOW
    except InvalidTime as error:
        wrong = str(error)
    assert not wrong or repr(text) in wrong


@given(st.integers(0, 2**31), st.sampled_from(sorted(UNITS)))
def test_what_is_shown_is_understood(moment: int, unit: str) -> None:
    """A time that is shown can be typed again."""
    assert parse_past_time(format_local_time(moment), 2.0**33) == moment
    assert parse_past_time(f"1{unit}", 10.0**7) == 10.0**7 - UNITS[unit]
