"""Times, durations, sizes and numbers of things in words."""

import pytest

from qabel.cli.units import ago, count, duration, moment, size


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0 s"),
        (0, "0 s"),
        (0.25, "0.2 s"),
        (1.5, "1 s"),
        (59.9, "59 s"),
        (61, "1 min"),
        (3600, "1 h"),
        (3700, "1 h 1 min"),
        (86400, "1 d"),
        (90000, "1 d 1 h"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    """Durations have one or two units, and no unit that counts nothing."""
    assert duration(seconds) == text


def test_ago() -> None:
    """A time in the past is told by how long ago it was."""
    assert [ago(None, 10), ago(9_900, 10), ago(5_000, 10)] == ["never", "just now", "5 s ago"]


def test_moment_of_any_number() -> None:
    """A sender may claim any time, and none of them is an error."""
    assert [moment(None), moment(2**63 - 1)] == ["-", "?"]
    assert len(moment(1_500_000_000_000)) == 19


def test_size() -> None:
    """Sizes have the unit that keeps them short."""
    assert [size(12), size(2048), size(5 * 1024**3)] == ["12 bytes", "2.0 KiB", "5.0 GiB"]


def test_count() -> None:
    """One of a thing is in the singular; plurals may be irregular."""
    assert [count(0, "message"), count(1, "message")] == ["0 messages", "1 message"]
    assert count(2, "identity", "identities") == "2 identities"
