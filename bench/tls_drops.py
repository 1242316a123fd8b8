"""A drop server with TLS: ``python -m bench.tls_drops DIRECTORY FILE``.

Its certificate, which it writes to the file, is self-signed; it prints its port.
"""

import sys
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding
from twisted.internet import reactor

from qabel.dropserver.service import DropServerService
from tests.net.certificates import certificate, names, server_options


def main(directory: str, file: str) -> None:
    """Serve until the process is terminated."""
    pair = certificate(names("127.0.0.1"))
    Path(file).write_bytes(pair[0].public_bytes(Encoding.PEM))
    Path(directory).mkdir(mode=0o700)
    service = DropServerService(Path(directory), reactor=reactor)
    service.startService()
    port = reactor.listenSSL(  # type: ignore[attr-defined]
        0, service.site, server_options(pair), interface="127.0.0.1"
    )
    print(port.getHost().port, flush=True)
    reactor.run()  # type: ignore[attr-defined]


if __name__ == "__main__":
    main(*sys.argv[1:])
