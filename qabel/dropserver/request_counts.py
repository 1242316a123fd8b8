"""What a drop server has been asked since it started, as numbers that tell nothing of anybody."""

from collections import Counter
from enum import Enum

from attrs import define, field


class Posted(Enum):
    """What became of a message that somebody posted."""

    STORED = "stored"
    TOO_OFTEN = "too_often"
    DROP_FULL = "drop_full"
    SERVER_FULL = "server_full"
    INVALID = "invalid"
    UNAUTHORIZED = "unauthorized"
    """Without the token of the closed group."""
    UNAVAILABLE = "unavailable"


class Got(Enum):
    """What somebody got who asked for messages."""

    MESSAGES = "messages"
    NOTHING_NEW = "nothing_new"
    UNAUTHORIZED = "unauthorized"
    """The same; also who asked for push."""
    UNAVAILABLE = "unavailable"


@define(eq=False)
class RequestCounts:
    """Counts requests by how they ended."""

    posted: Counter[Posted] = field(factory=Counter, init=False)
    got: Counter[Got] = field(factory=Counter, init=False)
