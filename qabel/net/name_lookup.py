"""Looking up host names, in threads of its own, so that a hung name server holds up nobody else."""

import socket
from collections import OrderedDict
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from threading import Thread
from typing import Any, TypeAlias

from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.internet.interfaces import IReactorFromThreads, IReactorTime
from twisted.python.failure import Failure

from qabel.net.address_policy import IPAddress

AT_ONCE = 16
"""How many names are looked up at the same time."""

KEEP_SECONDS = 30.0
KEEP_NAMES = 1000

GetAddrInfo: TypeAlias = Callable[[str, None, int, int], Sequence[tuple[Any, ...]]]


class NameLookup:
    """Finds the addresses of host names by the system's resolver, and knows them for a short while.

    A lookup cannot be ended: whoever waits for it can give up, and its thread (which does not keep
    the process alive) goes on. All who ask for one name share a thread.
    """

    def __init__(
        self,
        reactor: IReactorFromThreads,
        clock: IReactorTime,
        getaddrinfo: GetAddrInfo = socket.getaddrinfo,
    ) -> None:
        self._reactor = reactor
        self._clock = clock
        self._getaddrinfo = getaddrinfo
        self._turn = DeferredSemaphore(AT_ONCE)
        self._waiting: dict[str, list[Deferred[tuple[IPAddress, ...]]]] = {}
        self._known: OrderedDict[str, tuple[float, tuple[IPAddress, ...]]] = OrderedDict()

    async def find(self, name: str) -> tuple[IPAddress, ...]:
        """Give the addresses of a host name, in the system's order of preference.

        An IP address is its own. Raises OSError if there are none.
        """
        literal = _as_address(name)
        if literal is not None:
            return (literal,)
        known = self._known.get(name)
        if known is not None and self._clock.seconds() < known[0]:
            return known[1]
        answer: Deferred[tuple[IPAddress, ...]] = Deferred(lambda gone: self._leave(name, gone))
        if name in self._waiting:
            self._waiting[name].append(answer)
        else:
            self._waiting[name] = [answer]
            self._turn.acquire().addCallback(lambda _: self._start(name))
        return await answer

    def forget(self, name: str) -> None:
        """Look the name up again next time: nobody answered at its addresses."""
        self._known.pop(name, None)

    def _leave(self, name: str, gone: "Deferred[tuple[IPAddress, ...]]") -> None:
        self._waiting[name].remove(gone)

    def _start(self, name: str) -> None:
        Thread(target=self._look_up, args=(name,), name="qabel-names", daemon=True).start()

    def _look_up(self, name: str) -> None:
        """Call the resolver; this runs in a thread."""
        result: tuple[IPAddress, ...] | Failure
        try:
            found = self._getaddrinfo(name, None, socket.AF_UNSPEC, socket.SOCK_STREAM)
            result = tuple(dict.fromkeys(ip_address(each[4][0]) for each in found))
        except (OSError, UnicodeError, ValueError):
            result = Failure(OSError("no such host name"))
        self._reactor.callFromThread(self._found, name, result)

    def _found(self, name: str, result: tuple[IPAddress, ...] | Failure) -> None:
        self._turn.release()
        if not isinstance(result, Failure):
            self._known[name] = (self._clock.seconds() + KEEP_SECONDS, result)
            self._known.move_to_end(name)
            if len(self._known) > KEEP_NAMES:
                self._known.popitem(last=False)
        for answer in self._waiting.pop(name):
            answer.callback(result)


def _as_address(name: str) -> IPAddress | None:
    try:
        return ip_address(name)
    except ValueError:
        return None
