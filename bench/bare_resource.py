"""A bare Twisted resource as a peer of the drop server: ``python -m bench.bare_resource``.

It reads the body of a POST and stores nothing, says of each GET that there is nothing new, and
prints its port.
"""

from twisted.internet import endpoints, reactor
from twisted.web.resource import Resource
from twisted.web.server import Request, Site


class Bare(Resource):
    """Responds, and does nothing else."""

    isLeaf = True

    def render_POST(self, request: Request) -> bytes:
        """Read the body."""
        assert request.content is not None
        request.content.read()
        return b""

    def render_GET(self, request: Request) -> bytes:
        """Respond that there is nothing new."""
        request.setResponseCode(304)
        return b""


def main() -> None:
    """Serve until the process is terminated."""
    listening = endpoints.serverFromString(reactor, "tcp:0:interface=127.0.0.1").listen(
        Site(Bare())
    )
    listening.addCallback(lambda port: print(port.getHost().port, flush=True))
    reactor.run()  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
