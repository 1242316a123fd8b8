"""A drop server with nothing new, ever: ``python -m bench.empty_drops``.

It costs as little as a server can, prints its port, and responds to ``GET /count`` with how often
drops were read.
"""

from twisted.internet import endpoints, reactor
from twisted.internet.protocol import Factory, Protocol


class Empty(Protocol):
    """Responds to each request, all of which are small and arrive in whole."""

    count = 0

    def dataReceived(self, data: bytes) -> None:
        if data.startswith(b"GET /count "):
            count = b"%d" % Empty.count
            head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(count)
            self.transport.write(head + count)  # type: ignore[union-attr]
            return
        Empty.count += 1
        self.transport.write(b"HTTP/1.1 304 Not Modified\r\n\r\n")  # type: ignore[union-attr]


def main() -> None:
    """Serve until the process is terminated."""
    listening = endpoints.serverFromString(reactor, "tcp:0:interface=127.0.0.1").listen(
        Factory.forProtocol(Empty)
    )
    listening.addCallback(lambda port: print(port.getHost().port, flush=True))
    reactor.run()  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
