"""A daemon with people, for programs that talk to it."""

import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.daemons import ANYWHERE, Daemon, inside
from tests.integration.processes import ROOT
from tests.ports import free_port

EXAMPLES = ROOT / "examples" / "clients"
PACKAGES = ROOT / "tests" / "clients" / "typescript" / "node_modules"


class _Files(http.server.SimpleHTTPRequestHandler):
    """Serves the programs of the examples to a browser, and logs nothing."""

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def origin() -> Iterator[str]:
    """Return the origin of web pages that may use the daemon: another site than the daemon's."""
    handler = functools.partial(_Files, directory=str(EXAMPLES))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://pages.localhost:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def port() -> int:
    """Return the port where the daemon listens, also after a restart."""
    return free_port()


@pytest.fixture
def daemon(tmp_path: Path, port: int, origin: str) -> Iterator[Daemon]:
    """Return a daemon with Alice, who has Bob as a contact, and with Bob.

    Its streams are silent for a second at most.
    """
    options = (
        f"--drop-server={ANYWHERE}",
        f"--listen=tcp:{port}:interface=127.0.0.1",
        f"--allow-origin={origin}",
    )
    with Daemon(tmp_path, "daemon", *options, env=inside(heartbeat=1)).up() as daemon:
        daemon.api.good("PUT", "/settings", {"key": "poll_interval", "value": 0.1})
        for alias in ("Alice", "Bob"):
            daemon.api.good("POST", "/identities", {"alias": alias})
        card = daemon.api.good("GET", "/identities/2/contact")
        daemon.api.good("POST", "/contacts/import?identity=1", card)
        yield daemon


@pytest.fixture
def node() -> str:
    """Return the path of node."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("there is no node on this machine (Debian's package: nodejs)")
    return program


@pytest.fixture
def packages(node: str) -> Path:
    """Return the folder with the packages that the TypeScript client needs."""
    if not PACKAGES.is_dir():
        pytest.skip("run `npm ci` in tests/clients/typescript first")
    return PACKAGES
