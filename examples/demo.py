"""Two people exchange messages, from empty directories: ``make demo``.

Three processes: a drop server, a daemon for Alice and one for Bob. Everything that the two daemons
send to each other goes through the drop server, encrypted.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
START_TIMEOUT = 30.0


@contextlib.contextmanager
def process(name: str, *arguments: str) -> Iterator[None]:
    """Run a daemon, ``rest`` or ``drop``, with its log in a file; why it cannot start is printed.

    It is what the commands ``qabel-rest`` and ``qabel-drop`` do, also where they are not installed.
    """
    code = f"from qabel.daemon_commands import {name}; {name}()"
    running = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, start_new_session=True
    )
    try:
        yield
    finally:
        running.terminate()
        running.wait()


class Daemon:
    """A daemon, as an application sees it."""

    def __init__(self, directory: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._token_file = directory / "api-token"

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request, and return the JSON of the response."""
        prepared = urllib.request.Request(self.url + path, method=method)
        prepared.add_header("Authorization", f"Bearer {self._token_file.read_text().strip()}")
        if body is not None:
            prepared.add_header("Content-Type", "application/json")
            prepared.data = json.dumps(body).encode()
        with urllib.request.urlopen(prepared, timeout=70) as response:
            text = response.read()
        return json.loads(text) if text else None

    def wait(self) -> None:
        """Wait until the daemon responds."""
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/health?live", timeout=1):
                    return
            except (urllib.error.URLError, OSError):
                if time.monotonic() > deadline:
                    sys.exit(f"The daemon at {self.url} did not start.")
                time.sleep(0.1)


def free_ports(count: int) -> list[int]:
    """Return ports that are not in use."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def set_up(me: Daemon, name: str, drop_server: str) -> dict[str, Any]:
    """Configure a drop server, create an identity, and return its contact file."""
    me.wait()
    servers = [{"url": drop_server, "auth": "", "active": True}]
    me.request("PUT", "/synced", {"key": "drop_servers", "value": servers})
    me.request("PUT", "/settings", {"key": "poll_interval", "value": 1})
    identity = me.request("POST", "/identities", {"alias": name})
    card: dict[str, Any] = me.request("GET", f"/identities/{identity['id']}/contact")
    return card


def send(me: Daemon, text: str) -> None:
    """Send a text to the only contact."""
    contact = me.request("GET", "/contacts")[0]
    outcome = me.request(
        "POST",
        "/drop",
        {
            "sender": contact["identity_id"],
            "recipients": [contact["id"]],
            "drop_message": {"model_object": "chat", "data": {"msg": text}},
        },
    )
    print(f"  {outcome['recipients'][0]['state']:>8}: {text}")


def receive(me: Daemon) -> None:
    """Wait for a message, and print it."""
    for message in me.request("GET", "/drop?wait=30") or []:
        name = me.request("GET", f"/contacts/{message['contact_id']}")["alias"]
        print(f"  received: {message['data']['msg']!r} from {name}")


def main() -> None:
    """Run the demo."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        os.chmod(folder, 0o700)
        drop_port, alice_port, bob_port = free_ports(3)
        drop_server = f"http://127.0.0.1:{drop_port}"
        for kind, name, port in (
            ("drop", "drops", drop_port),
            ("rest", "alice", alice_port),
            ("rest", "bob", bob_port),
        ):
            options = ["--data-dir", f"{folder}/{name}", "--log", f"{folder}/{name}.log"]
            stack.enter_context(process(kind, *options, "--port", str(port)))
        alice = Daemon(Path(folder, "alice"), alice_port)
        bob = Daemon(Path(folder, "bob"), bob_port)
        print("Starting a drop server and two daemons.")
        alice_card, bob_card = set_up(alice, "Alice", drop_server), set_up(bob, "Bob", drop_server)
        print("Alice and Bob exchange contact files.")
        alice.request("POST", "/contacts/import", bob_card)
        bob.request("POST", "/contacts/import", alice_card)
        send(alice, "Hello Bob, can anybody read this?")
        receive(bob)
        send(bob, "Nobody but you and me.")
        receive(alice)
        print("Both messages went through the drop server, encrypted. End of the demo.")


if __name__ == "__main__":
    main()
