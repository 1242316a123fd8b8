"""The transports of a client, one for each isolation key."""

from collections.abc import Callable

import attrs
from twisted.internet.defer import Deferred, gatherResults

from qabel.net.http_transport import Transport
from qabel.net.isolation import Isolation, IsolationKey


@attrs.define(eq=False, repr=False)
class IsolatedTransports:
    """Keeps transports apart by isolation key, and by whether they are for trusted servers.

    A connection to a trusted server must not be used again for an untrusted URL on its host.

    Args:
        make: makes a transport.
        isolation: which keys are in use.

    """

    _make: Callable[[IsolationKey, bool], Transport]
    _isolation: Isolation
    _kept: dict[tuple[IsolationKey, bool], Transport] = attrs.field(factory=dict, init=False)
    _retired: set[Transport] = attrs.field(factory=set, init=False)
    """Those that get no further request, but have open connections."""

    def __attrs_post_init__(self) -> None:
        self._isolation.on_change(self._retire_unused)

    def get(self, key: IsolationKey, *, trusted: bool) -> Transport:
        """Return the transport for a request, which is to be passed to ``release`` after it."""
        if not key.is_kept:
            return self._make(key, trusted)
        found = self._kept.get((key, trusted))
        if found is None:
            found = self._kept[key, trusted] = self._make(key, trusted)
        return found

    def release(self, transport: Transport) -> None:
        """Note that a request has ended: what is for a single one gets no other."""
        if not transport.key.is_kept:
            self._retire(transport)

    def close(self) -> "Deferred[None]":
        """Close all connections; fires when they are closed."""
        every = [*self._kept.values(), *self._retired]
        return gatherResults([each.close() for each in every]).addCallback(lambda _: None)

    def _retire_unused(self) -> None:
        for place in [each for each in self._kept if not self._isolation.is_used(each[0])]:
            self._retire(self._kept.pop(place))

    def _retire(self, transport: Transport) -> None:
        self._retired.add(transport)
        transport.retire().addCallback(lambda _: self._retired.discard(transport))
