"""How long messages are to be kept, and how many, as far as whoever starts a server says it."""

from attrs import frozen

from qabel.drop.url import DROP_ID_BITS
from qabel.dropserver.message_values import HALF_OF_DISK, Retention


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
