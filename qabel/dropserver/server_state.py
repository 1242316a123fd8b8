"""What is known of a running drop server; nothing of it names a drop or an address."""

from attrs import frozen

from qabel.dropserver.request_counts import RequestCounts
from qabel.dropserver.usage import Usage


@frozen
class State:
    """What is known of a running drop server."""

    usage: Usage | None
    """What its messages take; None while they cannot be read."""
    counts: RequestCounts
    listeners: int
    most_listeners: int
    connections: int
    most_connections: int
    is_proxy_undeclared: bool

    @property
    def trouble(self) -> str | None:
        """What keeps it from taking messages, in a sentence; None if nothing does."""
        if self.usage is None:
            return "The messages cannot be read or stored; see the log."
        if self.usage.is_disk_full:
            return "The disk is full: messages are stored in the space of deleted ones only."
        return None
