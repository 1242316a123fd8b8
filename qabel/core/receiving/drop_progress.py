"""How a drop is being read, as it is stored: long responses, full readings, traffic."""

import msgspec

from qabel.core.receiving.drop_traffic import Entry
from qabel.core.receiving.part_order import Point


class Stretch(msgspec.Struct, omit_defaults=True):
    """A response, or several that continue each other, which has not been read to its end."""

    point: Point | None = None
    """Where to go on; None for the beginning."""
    doublings: int = 0
    """How often it was too large, and could not be gone on with."""
    failures: int = 0
    """How often in a row it broke off otherwise, and could not be gone on with."""
    has_gap: bool = False
    """Whether messages were skipped that could not be read."""
    by_date: bool = True
    """Whether it may be gone on with by date."""
    found: int = 0
    """Messages that the cursor had not shown."""


class DropProgress(msgspec.Struct, omit_defaults=True):
    """What is stored of the reading of one drop, besides its cursor.

    Times are in milliseconds since the epoch, if nothing else is said.
    """

    news: Stretch = msgspec.field(default_factory=Stretch)
    """Reading what is new."""
    full: Stretch = msgspec.field(default_factory=Stretch)
    """Reading everything."""
    modified: int | None = None
    """When the newest message arrived, as the server stated it, in seconds since the epoch."""
    whole: int | None = None
    """When the last reading began that came to its end, in seconds since the epoch."""
    interval: float | None = None
    """Seconds between two full readings; None for the shortest."""
    failures: int = 0
    """Full readings that failed in a row."""
    failed: str | None = None
    """Why the last one failed; None if it did not."""
    retry: int | None = None
    """When a full reading is tried again."""
    after_start: int | None = None
    """When the last full reading because of a start began."""
    after_news: int | None = None
    """When the last one began that a reader or the server gave reason for."""
    went_back: int | None = None
    """When the server was last seen to have fewer messages than before."""
    is_in_doubt: bool = False
    """Whether no full reading has succeeded since then."""
    traffic: list[Entry] = msgspec.field(default_factory=list)
    saved: int = 0
    """When this was stored."""


def decode_progress(text: str | None) -> DropProgress:
    """Return what was stored; the defaults if it was nothing, or cannot be read."""
    if text is None:
        return DropProgress()
    try:
        return msgspec.json.decode(text, type=DropProgress)
    except (msgspec.DecodeError, ValueError):
        return DropProgress()


def encode_progress(progress: DropProgress) -> str:
    """Return the text to store."""
    return msgspec.json.encode(progress).decode()
