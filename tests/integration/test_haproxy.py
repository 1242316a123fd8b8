"""The documented configuration of HAProxy loads, and works with TLS."""

import http.client
import ssl
from pathlib import Path

import pytest

from tests.integration.daemons import serving_drops
from tests.integration.haproxy import PROGRAM, Haproxy
from tests.integration.processes import DEADLINE

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="haproxy is not installed")


def test_it_loads(tmp_path: Path) -> None:
    """HAProxy accepts the file without a warning."""
    with Haproxy(tmp_path, 9, 9).run("-c", "-q") as checking:
        text, _ = checking.communicate(timeout=DEADLINE)
    assert (checking.returncode, text) == (0, "")


def test_with_tls(tmp_path: Path) -> None:
    """A message goes through it, by a TLS connection; the other server need not be there."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    drop = f"/{'A' * 43}"
    with serving_drops(tmp_path) as url:
        port = int(url.rpartition(":")[2])
        with Haproxy(tmp_path, port, port) as proxy:
            client = http.client.HTTPSConnection(
                "127.0.0.1", proxy.port, timeout=DEADLINE, context=context
            )
            client.request("POST", drop, b"message", {"Authorization": "Client Qabel"})
            posted = client.getresponse()
            assert (posted.status, posted.read()) == (200, b"")
            client.request("GET", drop)
            assert b"message" in client.getresponse().read()
            client.close()
