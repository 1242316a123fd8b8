"""Listening on endpoints as a service, with start errors for what prevents it.

Nothing here knows Qabel.
"""

import errno
from collections.abc import Sequence
from functools import partial
from typing import Any, cast

import attrs
from twisted.application.service import Service
from twisted.internet import tcp, unix
from twisted.internet.defer import (
    CancelledError,
    Deferred,
    FirstError,
    gatherResults,
    maybeDeferred,
    succeed,
)
from twisted.internet.interfaces import (
    IAddress,
    IListeningPort,
    IProtocolFactory,
    IStreamServerEndpoint,
)
from twisted.logger import Logger
from twisted.python.failure import Failure

from qabel.host.endpoints import ListenOn, open_endpoint, show_address
from qabel.host.start_errors import StartError, fail_start

_log = Logger()


@attrs.define(eq=False, slots=False, repr=False)
class Listening(Service):
    """Listens on endpoints with one factory. What prevents it is a StartError.

    Starting raises it if it is known at once, as it is for a port in use. If it shows later, with
    the reactor running, `fail_start` ends the process.

    Args:
        reactor: Twisted's reactor.
        endpoints: where to listen.
        factory: makes the protocols of connections.
        name: what the log calls the service.

    """

    _reactor: Any
    _endpoints: "Sequence[ListenOn | IStreamServerEndpoint]"
    _factory: IProtocolFactory
    _name: str = attrs.field(kw_only=True)
    addresses: list[IAddress] = attrs.field(factory=list, init=False)
    """The addresses listened on, in the order of the endpoints; with the real port for 0."""
    _attempts: "list[Deferred[IListeningPort]]" = attrs.field(factory=list, init=False)
    _ports: list[IListeningPort] = attrs.field(factory=list, init=False)
    _waiting: "list[Deferred[list[IAddress]]]" = attrs.field(factory=list, init=False)
    _is_listening: bool = attrs.field(default=False, init=False)

    def when_listening(self) -> "Deferred[list[IAddress]]":
        """Return the addresses as soon as all endpoints are open; fails with the StartError."""
        if self._is_listening:
            return succeed(list(self.addresses))
        waiting: Deferred[list[IAddress]] = Deferred()
        self._waiting.append(waiting)
        return waiting

    def privilegedStartService(self) -> None:
        """Start listening, before privileges are dropped. Raises StartError."""
        super().privilegedStartService()
        if self._attempts:
            return
        failed: list[StartError] = []
        starting = True
        for endpoint in self._endpoints:
            attempt = maybeDeferred(self._listen, endpoint)
            attempt.addErrback(_as_start_error, endpoint)
            attempt.addCallback(self._opened)
            self._attempts.append(attempt)

        def give_up(first: Failure) -> None:
            failure = cast("FirstError", first.value).subFailure
            if failure.check(CancelledError):
                return
            self._fire_waiting(failure)
            if starting:
                failed.append(cast("StartError", failure.value))
            else:
                fail_start(f"{self._name}: {failure.getErrorMessage()}", self._reactor)

        everything = gatherResults(self._attempts, consumeErrors=True)
        everything.addCallback(self._all_open)
        everything.addErrback(give_up)
        starting = False
        if failed:
            self._close()
            raise failed[0] from None

    def startService(self) -> None:
        """Start listening, unless it was done with privileges before. Raises StartError."""
        self.privilegedStartService()
        super().startService()

    def stopService(self) -> "Deferred[None]":
        """Stop listening; fires when all ports are closed."""
        super().stopService()
        return self._close()

    def _listen(self, endpoint: "ListenOn | IStreamServerEndpoint") -> "Deferred[IListeningPort]":
        listening = open_endpoint(self._reactor, endpoint).listen(self._factory)
        if isinstance(endpoint, ListenOn) and endpoint.kind == "systemd":
            listening.addCallback(_leave_file)
        return listening

    def replace_port(self, port: IListeningPort) -> "Deferred[None]":
        """Listen on a port that was opened elsewhere, in place of all others.

        The file of a Unix socket that is replaced is left alone, as it is the new one's. Open
        connections stay. The Deferred fires when the other ports are closed.
        """
        ports, self._ports = self._ports, []
        self._opened(port)
        for each in ports:
            _leave_file(each)
        closed = gatherResults([maybeDeferred(each.stopListening) for each in ports])
        return closed.addCallback(lambda _: None)

    def _opened(self, port: IListeningPort) -> IListeningPort:
        if type(port) is unix.Port and "connectionLost" not in vars(port):
            port.connectionLost = partial(_remove_file, port)  # type: ignore[method-assign]
        self._ports.append(port)
        return port

    def _all_open(self, ports: list[IListeningPort]) -> None:
        self._is_listening = True
        self.addresses = [port.getHost() for port in ports]
        for address in self.addresses:
            _log.info("{name} listens on {where}", name=self._name, where=show_address(address))
        self._fire_waiting(list(self.addresses))

    def _fire_waiting(self, result: "list[IAddress] | Failure") -> None:
        waiting, self._waiting = self._waiting, []
        for deferred in waiting:
            deferred.callback(result)

    def _close(self) -> "Deferred[None]":
        attempts, self._attempts = self._attempts, []
        ports, self._ports = self._ports, []
        self.addresses = []
        self._is_listening = False
        for attempt in attempts:
            attempt.cancel()
        closed = gatherResults([maybeDeferred(port.stopListening) for port in ports])
        return closed.addCallback(lambda _: None)


def _leave_file(port: IListeningPort) -> IListeningPort:
    """Make a port leave its file when it is closed: the file is the service manager's."""
    if isinstance(port, unix.Port):
        port.connectionLost = partial(tcp.Port.connectionLost, port)  # type: ignore[method-assign]
    return port


def _remove_file(port: unix.Port, reason: Failure) -> None:
    """Close a port of a Unix socket, whether or not something has removed its file."""
    try:
        unix.Port.connectionLost(port, reason)
    except FileNotFoundError:
        tcp.Port.connectionLost(port, reason)


def _as_start_error(failure: Failure, endpoint: "ListenOn | IStreamServerEndpoint") -> Failure:
    if failure.check(StartError, CancelledError):
        return failure
    error = failure.value
    reason = getattr(error, "socketError", error)
    why = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    where = endpoint.description if isinstance(endpoint, ListenOn) else "the given endpoint"
    if getattr(reason, "errno", None) == errno.EADDRINUSE:
        why += "; stop the program that uses it, or choose another port: --port or --listen"
    return Failure(StartError(f"cannot listen on {where}: {why}"))
