"""A drop server for many listeners: ``python -m bench.roomy_drops DIRECTORY COUNT [FILE]``.

With FILE, it serves TLS, and its certificate, which is self-signed, is written there. It prints its
port.
"""

import sys
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding
from twisted.internet import reactor

from qabel.dropserver.server_limits import ServerLimits
from qabel.dropserver.service import DropServerService
from qabel.host.file_limit import raise_file_limit
from qabel.host.garbage_collection import tune_garbage_collector
from tests.net.certificates import certificate, names, server_options

SPARE = 64
"""Connections beside those that listen."""


def main(directory: str, count: str, file: str = "") -> None:
    """Serve until the process is terminated."""
    raise_file_limit()
    connections = int(count) + SPARE
    limits = ServerLimits(
        connections=connections, connections_each=connections, listeners=int(count)
    )
    service = DropServerService(Path(directory), reactor=reactor, limits=limits)
    service.startService()
    listen = {"interface": "127.0.0.1", "backlog": 1024}
    if file:
        pair = certificate(names("127.0.0.1"))
        Path(file).write_bytes(pair[0].public_bytes(Encoding.PEM))
        port = reactor.listenSSL(0, service.site, server_options(pair), **listen)  # type: ignore[attr-defined]
    else:
        port = reactor.listenTCP(0, service.site, **listen)  # type: ignore[attr-defined]
    tune_garbage_collector()
    print(port.getHost().port, flush=True)
    reactor.run()  # type: ignore[attr-defined]


if __name__ == "__main__":
    main(*sys.argv[1:])
