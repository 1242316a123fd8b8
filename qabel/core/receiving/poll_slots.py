"""A bound on how many drops are read at the same time: sockets and memory are limited."""

from attrs import define, field

MOST = 64
"""How many drops are read at the same time."""

MOST_OF_SERVER = 48
"""How many of them are on one server: one that hangs is not to hold up the others."""


@define(eq=False)
class PollSlots:
    """Counts the drops that are being read.

    Nothing waits for a slot: a drop that gets none is tried again at a random time. In a queue, the
    end of one reading would begin another, which a server that holds up responses could see.
    """

    _most: int = field(default=MOST, kw_only=True)
    _most_of_server: int = field(default=MOST_OF_SERVER, kw_only=True)
    _taken: int = field(default=0, init=False)
    _of_server: dict[str, int] = field(factory=dict, init=False)

    def take(self, server: str) -> bool:
        """Take a slot for a drop of a server; return whether there was one."""
        of_server = self._of_server.get(server, 0)
        if of_server >= self._most_of_server or self._taken >= self._most:
            return False
        self._taken += 1
        self._of_server[server] = of_server + 1
        return True

    def give_back(self, server: str) -> None:
        """Return a slot."""
        self._taken -= 1
        left = self._of_server.pop(server) - 1
        if left:
            self._of_server[server] = left
