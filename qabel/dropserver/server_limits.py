"""How many connections a drop server serves, and how many of them may listen."""

from attrs import evolve, frozen

from qabel.dropserver.request import MOST_EACH
from qabel.dropserver.shared_drops import limit_of_drop
from qabel.host.push.push_hub import MAX_SUBSCRIBERS, MAX_SUBSCRIBERS_PER_TOPIC
from qabel.host.start_errors import StartError

CONNECTIONS = 1024

ADMIN_CONNECTIONS = 64
"""Connections of those who run the server, beside those."""

OWN_FILES = 64
"""Files that the process itself may have open: its messages, its log, what it listens on."""


@frozen(kw_only=True)
class ServerLimits:
    """How many connections a server serves. What is beyond gets 503 with ``Retry-After``."""

    connections: int = CONNECTIONS
    """At the same time, from everywhere."""
    connections_each: int = MOST_EACH
    """From one network address."""
    listeners: int = MAX_SUBSCRIBERS
    """Connections that listen, in all."""
    listeners_per_drop: int | None = None
    """Of these, to one drop; None for as many as are sensible."""

    @property
    def files(self) -> int:
        """How many files the process may have open when the limits are reached."""
        return self.connections + ADMIN_CONNECTIONS + OWN_FILES

    @classmethod
    def choose(
        cls,
        connections: int | None,
        connections_each: int,
        listeners: int | None,
        listeners_per_drop: int | None,
    ) -> "ServerLimits":
        """Return the limits of a command line, where None is what was not said.

        Raises StartError if they contradict each other.
        """
        most = CONNECTIONS if connections is None else connections
        if listeners is None:
            listeners = min(MAX_SUBSCRIBERS, most_listening(most))
        elif listeners > most:
            raise StartError(
                f"--max-listeners is {listeners}, but each listener has a connection, of which "
                f"there are {most}: raise --max-connections to more than {listeners}"
            )
        return cls(
            connections=most,
            connections_each=connections_each,
            listeners=listeners,
            listeners_per_drop=listeners_per_drop,
        )

    def listeners_of_drop(self, drop_id_bits: int) -> int:
        """Return how many connections may listen to one drop, by the random bits of its id."""
        if self.listeners_per_drop is not None:
            return self.listeners_per_drop
        return limit_of_drop(MAX_SUBSCRIBERS_PER_TOPIC, self.listeners, drop_id_bits)

    def within(self, allowed: int, *, is_chosen: bool) -> "ServerLimits":
        """Return the limits as far as the process may have open as many files as they need.

        Args:
            allowed: files that the process may have open.
            is_chosen: whether somebody chose the number of connections, so that it is not lowered.

        Raises:
            StartError: it is chosen, and too high.

        """
        missing = self.files - allowed
        if missing <= 0:
            return self
        fewer = max(1, self.connections - missing)
        if is_chosen:
            raise StartError(
                f"--max-connections {self.connections} needs {self.files} open files, and this "
                f"process may have {allowed}: set LimitNOFILE={self.files} in its systemd unit, or "
                f"use ulimit -n {self.files} in the shell, or pass --max-connections {fewer}"
            )
        return evolve(self, connections=fewer, listeners=min(self.listeners, most_listening(fewer)))


def most_listening(connections: int) -> int:
    """Return how many of some connections may listen: others are for who posts and fetches."""
    return max(1, connections * 4 // 5)
