"""A server on a real socket that does what a script says: it refuses, falls silent, hangs up."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import SSL4ServerEndpoint, TCP4ServerEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import CertificateOptions

from qabel.blockserver.s3_place import S3Place
from qabel.blockserver.s3_requests import S3Requests, S3Times
from tests.blockserver.s3_servers import QUICK, signer


@attrs.frozen
class Reaction:
    """What it does when a request has arrived."""

    data: bytes = b""
    """What it sends. With nothing, and without an end, it falls silent."""
    is_end: bool = False
    """Whether it closes the connection then."""
    endless: bytes = b""
    """What it sends again and again after that, as fast as it is read."""


SILENT, CUT = Reaction(), Reaction(is_end=True)


def answer(status: int, body: bytes = b"", is_end: bool = False, **headers: str) -> Reaction:
    """Return a step that sends a whole answer; headers are named with underscores."""
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return Reaction("\r\n".join([*lines, "", ""]).encode() + body, is_end)


def refused(status: int, code: str) -> Reaction:
    """Return a step that sends an error in XML."""
    return answer(status, f"<Error><Code>{code}</Code><Message>secret</Message></Error>".encode())


@attrs.frozen
class ArrivedRequest:
    """A request that arrived."""

    line: str
    headers: dict[str, str]
    body: bytes


@attrs.define(eq=False)
class ScriptedServer(Factory):
    """Takes one step for each request, on whatever connection it comes."""

    steps: list[Reaction] = attrs.field(factory=list)
    asked: list[ArrivedRequest] = attrs.field(factory=list, init=False)
    reads: bool = True
    """Whether it reads what is sent to it."""
    connections: list["ScriptedConnection"] = attrs.field(factory=list, init=False)
    address: str = attrs.field(default="", init=False)

    def buildProtocol(self, address: object) -> "ScriptedConnection":
        """Return the protocol of a connection."""
        made = ScriptedConnection(self)
        self.connections.append(made)
        return made

    def requests(self, times: S3Times = QUICK) -> S3Requests:
        """Return requests to it."""
        place = S3Place.parse("s3://bucket/blocks", self.address)
        return S3Requests(place, signer(), reactor, times)

    @property
    def lines(self) -> list[str]:
        """The methods and paths of what was asked."""
        return [each.line for each in self.asked]


class ScriptedConnection(Protocol):
    """One of its connections."""

    def __init__(self, server: ScriptedServer) -> None:
        self._server = server
        self._received = bytearray()
        self._endless = b""
        self.sent = self.taken = 0
        self.lost: Deferred[None] = Deferred()

    def connectionMade(self) -> None:
        """Read nothing, if that is wanted."""
        if not self._server.reads:
            self.transport.pauseProducing()

    def dataReceived(self, data: bytes) -> None:
        """Take the next step when a request is whole."""
        self._received += data
        self.taken += len(data)
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        line, *lines = self._received[:end].decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (e.partition(": ") for e in lines)}
        if len(self._received) < end + 4 + int(headers.get("content-length", 0)):
            return
        body = bytes(self._received[end + 4 :])
        self._received.clear()
        self._server.asked.append(ArrivedRequest(line.removesuffix(" HTTP/1.1"), headers, body))
        step = self._server.steps.pop(0)
        self.transport.write(step.data)
        if step.endless:
            self._endless = step.endless
            self.transport.registerProducer(self, False)
        if step.is_end:
            self.transport.loseConnection()

    def resumeProducing(self) -> None:
        """Send more."""
        self.sent += len(self._endless)
        self.transport.write(self._endless)

    def stopProducing(self) -> None:
        """Do nothing: the connection is lost."""

    def connectionLost(self, reason: object = None) -> None:
        """Fire ``lost``."""
        self.lost.callback(None)


@asynccontextmanager
async def scripted(
    *steps: Reaction, reads: bool = True, tls: CertificateOptions | None = None
) -> AsyncIterator[ScriptedServer]:
    """Run a server."""
    server, where = ScriptedServer(list(steps), reads), "127.0.0.1"
    if tls is None:
        listening = await TCP4ServerEndpoint(reactor, 0, interface=where).listen(server)
    else:
        listening = await SSL4ServerEndpoint(reactor, 0, tls, interface=where).listen(server)
    scheme = "http" if tls is None else "https"
    server.address = f"{scheme}://{where}:{listening.getHost().port}"
    try:
        yield server
    finally:
        await listening.stopListening()
        for each in server.connections:
            if not each.lost.called:
                each.transport.abortConnection()
            await each.lost
