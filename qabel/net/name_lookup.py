"""Host name lookup in threads of its own, so that a hung name server delays nobody else."""

import socket
from collections import OrderedDict
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from threading import Thread
from typing import Any, TypeAlias

import attrs
from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.internet.interfaces import IReactorFromThreads, IReactorTime
from twisted.python.failure import Failure

from qabel.net.addresses import IPAddress, is_onion

AT_ONCE = 16
"""Names that are looked up concurrently."""

KEEP_SECONDS = 30.0
"""Seconds that a result is cached."""

KEEP_NAMES = 1000
"""Names whose results are cached."""

GetAddrInfo: TypeAlias = Callable[[str, None, int, int], Sequence[tuple[Any, ...]]]
Addresses: TypeAlias = tuple[IPAddress, ...]


@attrs.define(eq=False, repr=False)
class NameLookup:
    """Resolves host names with the system's resolver, and caches the results briefly.

    A lookup cannot be cancelled: its caller can stop waiting, but its thread, which does not keep
    the process alive, runs on. Concurrent lookups of one name share a thread.
    """

    _reactor: IReactorFromThreads
    _clock: IReactorTime
    _getaddrinfo: GetAddrInfo = socket.getaddrinfo
    _slots: DeferredSemaphore = attrs.field(init=False, factory=lambda: DeferredSemaphore(AT_ONCE))
    _waiting: dict[str, list[Deferred[Addresses]]] = attrs.field(init=False, factory=dict)
    _cache: OrderedDict[str, tuple[float, Addresses]] = attrs.field(init=False, factory=OrderedDict)
    """By name: when the entry expires, and the addresses."""

    async def find(self, name: str) -> Addresses:
        """Return the addresses of a host name, in the system's order of preference.

        An IP address is its own result. Raises OSError if there is no address, or for an onion
        service: no name server may be asked for it (RFC 7686).
        """
        if is_onion(name):
            raise OSError("an onion service has no address")
        literal = _parse_address(name)
        if literal is not None:
            return (literal,)
        cached = self._cache.get(name)
        if cached is not None and self._clock.seconds() < cached[0]:
            return cached[1]
        answer: Deferred[Addresses] = Deferred(lambda gone: self._leave(name, gone))
        if name in self._waiting:
            self._waiting[name].append(answer)
        else:
            self._waiting[name] = [answer]
            self._slots.acquire().addCallback(lambda _: self._start(name))
        return await answer

    def forget(self, name: str) -> None:
        """Drop a name from the cache, as when nobody answers at its addresses."""
        self._cache.pop(name, None)

    def _leave(self, name: str, gone: Deferred[Addresses]) -> None:
        self._waiting[name].remove(gone)

    def _start(self, name: str) -> None:
        if not self._waiting[name]:
            # All have left: a name that nobody needs any more is not shown to the name server.
            del self._waiting[name]
            self._slots.release()
            return
        Thread(target=self._look_up, args=(name,), name="qabel-names", daemon=True).start()

    def _look_up(self, name: str) -> None:
        """Call the resolver. Runs in a thread of its own."""
        result: Addresses | Failure
        try:
            found = self._getaddrinfo(name, None, socket.AF_UNSPEC, socket.SOCK_STREAM)
            result = tuple(dict.fromkeys(ip_address(each[4][0]) for each in found))
        except (OSError, UnicodeError, ValueError):
            result = Failure(OSError("no such host name"))
        self._reactor.callFromThread(self._finish, name, result)

    def _finish(self, name: str, result: Addresses | Failure) -> None:
        self._slots.release()
        if not isinstance(result, Failure):
            self._cache[name] = (self._clock.seconds() + KEEP_SECONDS, result)
            self._cache.move_to_end(name)
            if len(self._cache) > KEEP_NAMES:
                self._cache.popitem(last=False)
        for answer in self._waiting.pop(name):
            answer.callback(result)


def _parse_address(name: str) -> IPAddress | None:
    try:
        return ip_address(name)
    except ValueError:
        return None
