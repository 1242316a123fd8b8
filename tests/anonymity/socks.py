"""A small SOCKS proxy (RFC 1928, RFC 1929) that connects every name to the recorder.

Each user name and password is a circuit of its own, as with Tor's ``IsolateSOCKSAuth``.
"""

from typing import Any

from attrs import define, field
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, Protocol

from tests.anonymity.recorder import Recorder

NO_PASSWORD, PASSWORD = 0, 2


@define(eq=False)
class SocksProxy(Factory):
    """The proxy."""

    reactor: Any
    recorder: Recorder
    port: int
    """Of the recorder."""
    circuits: dict[bytes, int] = field(factory=dict, init=False)
    """The numbers of circuits, by user name and password."""
    _listening: Any = field(default=None, init=False)

    async def listen(self) -> int:
        """Listen, and return the port."""
        endpoint = TCP4ServerEndpoint(self.reactor, 0, interface="127.0.0.1")
        self._listening = await endpoint.listen(self)
        number: int = self._listening.getHost().port
        return number

    async def stop(self) -> None:
        """Stop listening."""
        await self._listening.stopListening()

    def buildProtocol(self, addr: IAddress) -> "Socks":
        """Return the protocol of a new connection."""
        return Socks(self)


class Socks(Protocol):
    """One connection: the greeting, a password, the request, and then all that passes."""

    transport: Any

    def __init__(self, proxy: SocksProxy) -> None:
        self._proxy = proxy
        self._buffer = b""
        self._step = self._greeting
        self._peer: Any = None
        self._circuit: int | None = None

    def dataReceived(self, data: bytes) -> None:
        """Take the next step, as often as all of it is there."""
        if self._peer is not None:
            self._peer.transport.write(data)
            return
        self._buffer += data
        while self._buffer and (size := self._step(self._buffer)):
            self._buffer = self._buffer[size:]

    def connectionLost(self, reason: Any = None) -> None:
        """Close the other connection."""
        if self._peer is not None:
            self._peer.transport.loseConnection()

    def _greeting(self, data: bytes) -> int:
        if len(data) < 2 or len(data) < 2 + data[1]:
            return 0
        has_password = PASSWORD in data[2 : 2 + data[1]]
        self._step = self._password if has_password else self._request
        self.transport.write(bytes([5, PASSWORD if has_password else NO_PASSWORD]))
        return 2 + data[1]

    def _password(self, data: bytes) -> int:
        if len(data) < 2 or len(data) < 3 + data[1]:
            return 0
        size = 3 + data[1] + data[2 + data[1]]
        if len(data) < size:
            return 0
        circuits = self._proxy.circuits
        self._circuit = circuits.setdefault(data[:size], len(circuits) + 1)
        self._step = self._request
        self.transport.write(b"\x01\x00")
        return size

    def _request(self, data: bytes) -> int:
        if len(data) < 5:
            return 0
        size = 4 + {1: 4, 3: 1 + data[4], 4: 16}[data[3]] + 2
        if len(data) < size:
            return 0
        self._step = lambda _: 0
        self.transport.pauseProducing()
        endpoint = TCP4ClientEndpoint(self._proxy.reactor, "127.0.0.1", self._proxy.port)
        peer = Peer(self)
        connecting = endpoint.connect(Factory.forProtocol(lambda: peer))
        connecting.addCallbacks(self._connected, self._failed)
        return size

    def circuit_at(self, port: int) -> None:
        """Note which circuit the recorder's connection from a port belongs to."""
        if self._circuit is not None:
            self._proxy.recorder.circuits[port] = self._circuit

    def _connected(self, peer: "Peer") -> None:
        self._peer = peer
        self.transport.write(b"\x05\x00\x00\x01" + bytes(6))
        peer.transport.write(self._buffer)
        self.transport.resumeProducing()

    def _failed(self, _: object) -> None:
        self.transport.write(b"\x05\x05\x00\x01" + bytes(6))
        self.transport.loseConnection()


class Peer(Protocol):
    """The connection to the recorder."""

    transport: Any

    def __init__(self, socks: Socks) -> None:
        self._socks = socks

    def connectionMade(self) -> None:
        """Note the circuit."""
        self._socks.circuit_at(self.transport.getHost().port)

    def dataReceived(self, data: bytes) -> None:
        """Pass it on."""
        self._socks.transport.write(data)

    def connectionLost(self, reason: Any = None) -> None:
        """Close the client's connection."""
        self._socks.transport.loseConnection()
