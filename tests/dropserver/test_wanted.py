"""What whoever starts a server asks for, and what applies when they say nothing."""

import pytest

from qabel.dropserver.message_values import HALF_OF_DISK, Retention
from qabel.dropserver.wanted import Wanted, read_quota
from qabel.host.start_errors import StartError


def test_what_is_not_said_has_its_default() -> None:
    """Nothing said is what the server does without options."""
    assert Wanted().retention == Retention(quota=HALF_OF_DISK)


def test_what_is_said_counts() -> None:
    """Each value is taken as it is."""
    wanted = Wanted(lifetime=5.0, quota=7, drop_quota=9, drop_id_bits=16)
    assert wanted.retention == Retention(lifetime=5.0, quota=7, drop_quota=9, drop_id_bits=16)


def test_quotas() -> None:
    """They are said in megabytes, of which there must be one at least."""
    assert (read_quota("20.5"), read_quota("1"), read_quota(None)) == (20_500_000, 1_000_000, None)
    with pytest.raises(StartError, match="--quota must be at least 1"):
        read_quota("0.9")
    with pytest.raises(StartError, match="--quota must be a number greater than 0"):
        read_quota("all")
