"""Streams of events through the proxies that people put in front of a daemon, as they come."""

import http.client
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.daemons import Daemon
from tests.ports import free_port, wait_for_port

AT_ONCE = 5.0
"""Seconds in which something that is not held back arrives, on a machine that is busy."""

READ_TIMEOUT = 3
"""Seconds of silence after which the proxies end a connection: 60 in their default settings."""

NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    gzip on;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    proxy_read_timeout {timeout}s;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{daemon};
        }}
    }}
}}
"""

HAPROXY = """
defaults
    mode http
    timeout connect 5s
    timeout client {timeout}s
    timeout server {timeout}s
frontend api
    bind 127.0.0.1:{port}
    default_backend daemon
backend daemon
    server daemon 127.0.0.1:{daemon}
"""

PROXIES = {
    "nginx": (NGINX, ["-e", "stderr", "-p", ".", "-c"]),
    "haproxy": (HAPROXY, ["-db", "-f"]),
}


@pytest.fixture(params=PROXIES)
def proxied(request: pytest.FixtureRequest, daemon: Daemon, tmp_path: Path) -> Iterator[int]:
    """Return the port of a proxy in front of the daemon, which buffers as it does by default."""
    config, options = PROXIES[request.param]
    program = shutil.which(request.param, path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip(f"there is no {request.param} (Debian's package: {request.param})")
    port = free_port()
    file = tmp_path / "proxy.conf"
    ports = {"port": port, "daemon": daemon.process.port("qabel-rest")}
    file.write_text(config.format(folder=tmp_path, timeout=READ_TIMEOUT, **ports))
    process = subprocess.Popen(
        [program, *options, str(file)], cwd=tmp_path, stderr=(tmp_path / "stderr").open("wb")
    )
    try:
        wait_for_port(port, "the proxy")
        yield port
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def stream(daemon: Daemon, port: int, **headers: str) -> Iterator[http.client.HTTPResponse]:
    """Open a stream of events through a proxy; its headers must come at once."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=AT_ONCE)
    sent = {"Authorization": f"Bearer {daemon.api.token}", **headers}
    client.request("GET", "/events?kinds=settings", headers=sent)
    response = client.getresponse()
    assert response.status == 200
    assert response.getheader("Content-Type") == "text/event-stream"
    assert response.getheader("Content-Encoding") is None
    with response:
        yield response
    client.close()


def event(response: http.client.HTTPResponse) -> dict[str, str]:
    """Return the next event; comments are passed over. Each line must come at once."""
    found: dict[str, str] = {}
    while True:
        line = response.readline().decode().rstrip("\n")
        assert response.fp is not None, "the stream has ended"
        if line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            found[name] = value
        elif not line and "event" in found:
            return found
        elif not line:
            found = {}


def change(daemon: Daemon, number: int) -> None:
    """Make an event."""
    daemon.api.good("PUT", "/settings", {"key": "module_data.test", "value": {"n": number}})


def test_events_are_not_held_back(daemon: Daemon, proxied: int) -> None:
    """Headers and each event arrive when they are sent, and silence does not end the stream."""
    with stream(daemon, proxied) as response:
        change(daemon, 1)
        assert event(response)["event"] == "settings"
        quiet = time.monotonic() + READ_TIMEOUT + 1
        while time.monotonic() < quiet:
            assert response.readline() in (b": \n", b"\n")
        change(daemon, 2)
        assert event(response)["event"] == "settings"


def test_stream_resumes_where_it_ended(daemon: Daemon, proxied: int) -> None:
    """What happened while nobody was connected comes first after that."""
    with stream(daemon, proxied) as response:
        change(daemon, 1)
        first = event(response)
    change(daemon, 2)
    with stream(daemon, proxied, **{"Last-Event-ID": first["id"]}) as response:
        second = event(response)
        assert second["id"] != first["id"]
        assert json.loads(second["data"])["time"] >= json.loads(first["data"])["time"]
        change(daemon, 3)
        assert event(response)["id"] not in (first["id"], second["id"])
