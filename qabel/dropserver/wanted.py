"""How long messages are to be kept, and how many, as far as whoever starts a server says it."""

from typing import Any

from attrs import frozen

from qabel.drop.url import DROP_ID_BITS
from qabel.dropserver.message_values import HALF_OF_DISK, MEGABYTE, Retention
from qabel.host.positive_numbers import positive_number
from qabel.host.start_errors import StartError


def read_quota(given: Any) -> int | None:
    """Return how many bytes the option ``quota`` says, in megabytes; None if it was not given.

    Raises StartError.
    """
    megabytes = positive_number("quota", given)
    if megabytes is None:
        return None
    if megabytes < 1:
        raise StartError(f"--quota must be at least 1, not {given!r}")
    return int(megabytes * MEGABYTE)


@frozen(kw_only=True)
class Wanted:
    """What is asked for; None for what is left to what was said before, or to the program."""

    lifetime: float | None = None
    """Seconds."""
    quota: int | None = None
    """Bytes of all messages, as they are charged."""
    drop_quota: int | None = None
    """Messages in one drop."""
    drop_id_bits: int | None = None
    """Random bits in the ids of new drops."""

    @property
    def retention(self) -> Retention:
        """What applies when nothing was said before."""
        return Retention(
            lifetime=Retention().lifetime if self.lifetime is None else self.lifetime,
            quota=HALF_OF_DISK if self.quota is None else self.quota,
            drop_quota=self.drop_quota,
            drop_id_bits=DROP_ID_BITS if self.drop_id_bits is None else self.drop_id_bits,
        )
