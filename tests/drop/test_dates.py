"""Dates of drop servers, read and written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.drop.dates import MAX_LENGTH, http_date, read_date


@pytest.mark.parametrize(
    "text",
    [
        "Mon, 23 Nov 2026 07:38:48 GMT",
        "Mon, 23 Nov 2026 07:38:48 +0000",
        "Mon, 23 Nov 2026 08:38:48 +0100",
        "23 Nov 2026 07:38:48",
    ],
)
def test_forms(text: str) -> None:
    """The forms of HTTP and of mail are read; without a time zone a date is in UTC."""
    assert read_date(text) == 1_795_419_528


@pytest.mark.parametrize(
    "text", [None, "", "now", "0", "x" * (MAX_LENGTH + 1), "1 Jan 1 00:00 +99999999999999", "\xe4"]
)
def test_rubbish(text: str | None) -> None:
    """What is no date is none, and raises nothing."""
    assert read_date(text) is None


@given(st.integers(-(10**18), 10**18))
def test_what_is_written_is_read(moment: int) -> None:
    """A date is read as it was written; what no date can say is not written."""
    text = http_date(moment)
    assert text is None or read_date(text) == moment
