"""Two people exchange messages, from empty directories: ``make demo``.

Three real processes: a drop server, and a daemon each for Alice and Bob. All that passes between
the two daemons goes through the drop server, sealed.
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
PATIENCE = 30.0


@contextlib.contextmanager
def process(name: str, *arguments: str) -> Iterator[None]:
    """Have a twistd process run for a while; its log goes nowhere, but for why it cannot start."""
    command = [sys.executable, "-c", "from twisted.scripts.twistd import run; run()"]
    command += ["-n", "--pidfile=", name, *arguments]
    with tempfile.TemporaryFile() as log:
        running = subprocess.Popen(command, cwd=ROOT, stdout=log, start_new_session=True)
        try:
            yield
        finally:
            running.terminate()
            running.wait()


class Daemon:
    """Somebody's daemon, as an application sees it."""

    def __init__(self, directory: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._token_file = directory / "api-token"

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request, and give the JSON of the answer."""
        request = urllib.request.Request(self.url + path, method=method)
        request.add_header("Authorization", f"Bearer {self._token_file.read_text().strip()}")
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        with urllib.request.urlopen(request, timeout=70) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def wait(self) -> None:
        """Wait until it answers."""
        ends = time.monotonic() + PATIENCE
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/health?live", timeout=1):
                    return
            except (urllib.error.URLError, OSError):
                if time.monotonic() > ends:
                    sys.exit(f"Nobody answers at {self.url}.")
                time.sleep(0.1)


def free_ports(count: int) -> list[int]:
    """Find ports that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def meet(me: Daemon, name: str, drop_server: str) -> dict[str, Any]:
    """Set a new daemon up: a drop server, an identity; gives the contact file to hand out."""
    me.wait()
    servers = [{"url": drop_server, "auth": "", "active": True}]
    me.ask("PUT", "/synced", {"key": "drop_servers", "value": servers})
    me.ask("PUT", "/settings", {"key": "poll_interval", "value": 1})
    identity = me.ask("POST", "/identities", {"alias": name})
    card: dict[str, Any] = me.ask("GET", f"/identities/{identity['id']}/contact")
    return card


def say(me: Daemon, text: str) -> None:
    """Send a text to the only contact there is, from the only identity."""
    contact = me.ask("GET", "/contacts")[0]
    outcome = me.ask(
        "POST",
        "/drop",
        {
            "sender": contact["identity_id"],
            "recipients": [contact["id"]],
            "drop_message": {"model_object": "chat", "data": {"msg": text}},
        },
    )
    print(f"  {outcome['recipients'][0]['state']:>8}: {text}")


def hear(me: Daemon) -> None:
    """Wait for a message, and show it."""
    for message in me.ask("GET", "/drop?wait=30") or []:
        name = me.ask("GET", f"/contacts/{message['contact_id']}")["alias"]
        print(f"  received: {message['data']['msg']!r} from {name}")


def main() -> None:
    """Play it through."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        os.chmod(folder, 0o700)
        drop_port, alice_port, bob_port = free_ports(3)
        drop_server = f"http://127.0.0.1:{drop_port}"
        start = lambda *arguments: stack.enter_context(process(*arguments))  # noqa: E731
        listen = "tcp:{}:interface=127.0.0.1".format
        start("qabel-drop", "--data-dir", f"{folder}/drops", "--listen", listen(drop_port))
        for name, port in (("alice", alice_port), ("bob", bob_port)):
            start("qabel-rest", "--data-dir", f"{folder}/{name}", "--listen", listen(port))
        alice = Daemon(Path(folder, "alice"), alice_port)
        bob = Daemon(Path(folder, "bob"), bob_port)
        print("A drop server and two daemons are starting.")
        alice_card, bob_card = meet(alice, "Alice", drop_server), meet(bob, "Bob", drop_server)
        print("Alice and Bob hand each other their contact files.")
        alice.ask("POST", "/contacts/import", bob_card)
        bob.ask("POST", "/contacts/import", alice_card)
        say(alice, "Hello Bob, can anybody read this?")
        hear(bob)
        say(bob, "Nobody but you and me.")
        hear(alice)
        print("All of it went through the drop server, sealed. That was the demo.")


if __name__ == "__main__":
    main()
