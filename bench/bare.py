"""A bare Klein application as a peer: ``python -m bench.bare STATUS SIZE``."""

import sys

from klein import Klein
from twisted.internet import endpoints, reactor
from twisted.web.server import Site


def main() -> None:
    """Serve one route that only responds, and print its port."""
    status, body = int(sys.argv[1]), b"x" * int(sys.argv[2])
    app = Klein()

    @app.route("/bare", methods=["GET"])
    def bare(request: object) -> bytes:
        request.setResponseCode(status)  # type: ignore[attr-defined]
        return body

    listening = endpoints.serverFromString(reactor, "tcp:0:interface=127.0.0.1").listen(
        Site(app.resource())
    )
    listening.addCallback(lambda port: print(port.getHost().port, flush=True))
    reactor.run()  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
