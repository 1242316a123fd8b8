"""What whoever starts a server asks for, and what applies when they say nothing."""

from qabel.dropserver.message_values import HALF_OF_DISK, Retention
from qabel.dropserver.wanted import Wanted


def test_what_is_not_said_has_its_default() -> None:
    """Nothing said is what the server does without options."""
    assert Wanted().retention == Retention(quota=HALF_OF_DISK)


def test_what_is_said_counts() -> None:
    """Each value is taken as it is."""
    wanted = Wanted(lifetime=5.0, quota=7, drop_quota=9, drop_id_bits=16)
    assert wanted.retention == Retention(lifetime=5.0, quota=7, drop_quota=9, drop_id_bits=16)
