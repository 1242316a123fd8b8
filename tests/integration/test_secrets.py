"""Nothing secret is in anything that real processes write, but where it belongs.

Two daemons and a drop server live through what a daemon lives through: messages, settings, wrong
requests, servers that fail, errors that nobody expected, a killing, a backup. Each secret has a
marker; afterwards all logs, files, command lines and open files are searched for all of them.
"""

import json
import os
import secrets
import signal
import socket
import sys
import threading
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration import processes
from tests.integration.client import Api, Reply
from tests.integration.processes import Twistd, wait_until

ANYWHERE = "tcp:0:interface=127.0.0.1"

FAULTY = """
import sys
from qabel.core.service import CoreService
from qabel.core.receiving.receiver import Receiver
real = Receiver.read
failed = []
async def status(self):
    identity = self.synced.value.identities[0]
    raise ValueError(identity.private_key.raw.hex(), identity.drops[0].drop_id, identity.alias)
async def read(self, *given):
    if not failed and self._intake._synced().identities:
        failed.append(1)
        raise KeyError(self._intake._synced().identities[0].private_key.raw.hex())
    return await real(self, *given)
CoreService.status = status
Receiver.read = read
from twisted.scripts.twistd import run
run()
"""
"""A daemon with two faults, whose errors quote secrets."""


class Secrets:
    """Makes markers, and finds them in whatever form they may have been written."""

    def __init__(self) -> None:
        self.known: dict[str, bytes] = {}

    def text(self, what: str) -> str:
        """Make a secret that is a text."""
        value = f"MARK{secrets.token_hex(8)}"
        self.known[what] = value.encode()
        return value

    def add(self, what: str, value: str | bytes) -> None:
        """Take a secret that somebody else made; one of hex digits stands for its bytes too."""
        self.known[what] = value.encode() if isinstance(value, str) else value

    def found_in(self, content: bytes) -> set[str]:
        """Name the secrets that a content has in it."""
        lower = content.lower()
        return {
            what
            for what, value in self.known.items()
            if any(form in content for form in _forms(value)) or value.lower() in lower
        }


def _forms(value: bytes) -> Iterator[bytes]:
    yield value
    yield value.hex().encode()
    for start in range(3):
        # Inside of a longer text base64 has three forms; what the neighbours change is cut off.
        for encode in (b64encode, urlsafe_b64encode):
            yield encode(b"\0" * start + value)[4:-4]
    if len(value) == 64:
        try:
            yield bytes.fromhex(value.decode())
        except ValueError:
            return


class World:
    """The processes, and all that they write."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.secrets = Secrets()
        self.temporary = root / "tmp"
        self.temporary.mkdir()
        self.running: list[Twistd] = []
        self.answers: list[Reply] = []

    def start(self, name: str, *arguments: str) -> Twistd:
        """Start a process with a place of its own for temporary files."""
        started = Twistd(
            self.root / name / "process", *arguments, env={"TMPDIR": str(self.temporary)}
        )
        self.running.append(started)
        return started

    def drop_server(self, port: int = 0) -> int:
        """Start the drop server, which is for a closed group; return its port."""
        token = self.root / "drop" / "group-token"
        if not token.exists():
            token.parent.mkdir()
            token.touch(0o600)
            token.write_text(self.secrets.text("the group token"))
        started = self.start(
            "drop", "qabel-drop", "--data-dir", str(self.root / "drop" / "data"),
            "--listen", f"tcp:{port}:interface=127.0.0.1", "--group-token-file", str(token),
        )  # fmt: skip
        return started.port("qabel-drop")

    def daemon(self, name: str, *more: str) -> tuple[Twistd, Api]:
        """Start a daemon; return a client of its TCP port, which shows the token each time."""
        data = self.root / name / "data"
        started = self.start(
            name, "qabel-rest", "--data-dir", str(data), "--listen", ANYWHERE, *more
        )
        api = Api(data, started.port("qabel-rest"))
        self.secrets.add(f"token of {name}", api.token)
        return started, api

    def try_(self, api: Api, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """Send a request that may be refused, and keep the answer."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        reply = api.ask(method, path, body, named)
        self.answers.append(reply)
        return reply

    def leaks(self) -> set[tuple[str, str]]:
        """Find the secrets, and where they are."""
        found = set()
        for path in self.root.rglob("*"):
            if path.is_file() and not path.is_socket():
                where = str(path.relative_to(self.root))
                found |= {(where, what) for what in self.secrets.found_in(path.read_bytes())}
                found |= {(where, what) for what in self.secrets.found_in(path.name.encode())}
        for each in self.running:
            if each.process.poll() is None:
                found |= self._leaks_of(each.process.pid)
        return found

    def _leaks_of(self, pid: int) -> set[tuple[str, str]]:
        directory = Path("/proc") / str(pid)
        found = set()
        for name in ("cmdline", "environ", "comm"):
            try:
                content = (directory / name).read_bytes()
            except OSError:
                continue  # not even its own user may look
            found |= {(name, what) for what in self.secrets.found_in(content)}
        return found | self._leaks_of_open_files(directory / "fd")

    def _leaks_of_open_files(self, descriptors: Path) -> set[tuple[str, str]]:
        if not os.access(descriptors, os.R_OK):
            return set()
        found = set()
        for each in descriptors.iterdir():
            # Those without a name count: they are on the disk all the same.
            if each.is_file() and "(deleted)" in os.readlink(each):
                found |= {("open file", what) for what in self.secrets.found_in(each.read_bytes())}
        return found


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Return a world without processes; those that were started end with it."""
    made = World(tmp_path)
    yield made
    for each in made.running:
        each.kill()


BELONGS = {
    ("alice/passphrase", "the passphrase"),
    ("drop/group-token", "the group token"),
    ("alice/data/api-token", "token of alice"),
    ("bob/data/api-token", "token of bob"),
    ("bob/data/database-key", "database key of bob"),
}
"""Where secrets stand that have to stand somewhere."""


def settings(world: World, api: Api) -> None:
    """Put a secret into everything that can be set."""
    text = world.secrets.text
    api.good("PUT", "/settings", {"key": "module_data.chat", "value": {"k": text("module data")}})
    values = {
        "accounts": [{"provider": "p", "user": text("user"), "auth": text("account auth")}],
        "storage_servers": [{"url": "http://127.0.0.1/", "auth": text("storage auth")}],
        "module_data": {"chat": {text("module key"): text("synced module data")}},
    }
    for key, value in values.items():
        api.good("PUT", "/synced", {"key": key, "value": value})
    volume = {
        "storage_server_id": api.good("GET", "/synced")["storage_servers"][0]["id"],
        "public_identifier": text("volume"),
        "token": text("volume token"),
        "revoke_token": text("revoke token"),
    }
    api.good("PUT", "/synced", {"key": "storage_volumes", "value": [volume]})


def meet(world: World, alice: Api, bob: Api, server: str) -> None:
    """Have the two know each other; their keys and drops are secrets from then on."""
    cards = {}
    for name, api in (("alice", alice), ("bob", bob)):
        cards[name] = api.meet(world.secrets.text(f"alias of {name}"), server)
        token = world.secrets.known["the group token"].decode()
        api.good("PATCH", f"/servers/{api.good('GET', '/servers')[0]['id']}", {"auth": token})
        identity = api.good("GET", "/synced")["identities"][0]
        world.secrets.add(f"private key of {name}", identity["keys"]["private_key"])
        world.secrets.add(f"drop id of {name}", identity["drops"][0].rpartition("/")[2])
    alice.good("POST", "/contacts/import", cards["bob"])
    bob.good("POST", "/contacts/import", cards["alice"])
    alice.good("GET", f"/identities/{alice.good('GET', '/identities')[0]['id']}/export")


def talk(world: World, alice: Api, bob: Api) -> None:
    """Send messages both ways, and read them."""
    for sender, reader in ((alice, bob), (bob, alice)):
        text = world.secrets.text(f"a message, {len(world.secrets.known)}")
        assert sender.say(text, acknowledge_id="auto").status in (201, 202)

        def look(reader: Api = reader, text: str = text) -> bool | None:
            return text in str(reader.ask("GET", "/drop?wait=5&since=0").body) or None

        wait_until(look, "the message")
    wait_until(lambda: "acknowledged" in str(alice.good("GET", "/outbox")) or None, "the answer")


def subscribe(world: World, api: Api) -> None:
    """Have tokens, and a webhook that nobody answers."""
    made = api.good(
        "POST", "/tokens", {"name": world.secrets.text("token name"), "scopes": ["read"]}
    )
    world.secrets.add("a further token", made["token"])
    hook = {
        "url": f"http://127.0.0.1:9/{world.secrets.text('webhook path')}?k=1",
        "secret": world.secrets.text("webhook secret") * 2,
        "kinds": ["drop"],
    }
    api.good("POST", "/webhooks", hook)


def ask_wrongly(world: World, api: Api) -> None:
    """Send what is wrong, with a secret in every part of it."""
    text, ask = world.secrets.text, world.try_
    ask(api, "GET", f"/{text('path')}")
    ask(api, "GET", f"/drop/{text('path of a drop')}")
    ask(api, "GET", f"/drop?since={text('since')}&consumer={text('consumer')}&wait=x")
    ask(api, "GET", "/drop", Authorization=f"Bearer {text('wrong token')}")
    ask(api, "GET", "/drop", Authorization=f"Basic {text('wrong scheme')}")
    ask(api, "GET", "/drop", Host=f"{text('host')}.example.org")
    ask(api, "GET", "/drop", Origin=f"https://{text('origin')}.example.org")
    ask(api, "GET", "/drop", Cookie=text("cookie"), X_Qabel_New_Since=text("header"))
    ask(api, "POST", "/settings", b'{"settings": "' + text("torn JSON").encode())
    ask(api, "POST", "/settings", {"settings": {"poll_interval": text("value")}})
    ask(api, "POST", "/drop", {"drop_message": {"model_object": 1, "data": text("bad message")}})
    ask(api, "POST", "/drop", text("form").encode(), Content_Type="application/" + text("type"))
    big = {"model_object": "chat", "data": {"msg": text("too large") * 300}}
    contact = api.good("GET", "/contacts")[0]
    sender = contact["identity_id"]
    ask(
        api, "POST", "/drop", {"sender": sender, "recipients": [contact["id"]], "drop_message": big}
    )
    ask(api, "POST", "/contacts/import", {"alias": text("bad contact")})
    ask(api, "POST", "/identities/import", {"alias": "x", "private_key": text("bad key")})
    bad = {"alias": "x", "drops": [f"http://127.0.0.1/{text('bad drop')}"]}
    ask(api, "POST", "/identities", bad)
    keys = {"private_key": "ab" * 32, "public_key": "cd" * 32}
    world.secrets.add("a key that does not fit", "ab" * 32)
    wrong = {"alias": text("wrong alias"), "keys": keys, "drops": []}
    ask(api, "PUT", "/synced", {"key": "identities", "value": [wrong]})
    assert all(400 <= each.status < 500 for each in world.answers), world.answers
    assert api.port is not None
    for line in (b"GET /%s HTTP/9.9\r\n\r\n", b"%s\r\n\r\n", b"GET / HTTP/1.1\r\n%s\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", api.port), timeout=10) as connection:
            connection.sendall(line % text(f"malformed, {line[:3]!r}").encode())
            world.answers.append(Reply(400, {}, connection.recv(10_000).decode()))


def upset(world: World, port: int, *apis: Api) -> None:
    """Have the drop server's place taken by one that repeats what it got, in bad answers."""
    answers = [
        b"HTTP/1.1 500 %s\r\nX: %s\r\nContent-Length: 3\r\n\r\nbad",
        b"HTTP/1.1 302 Found\r\nLocation: /%s?%s\r\nContent-Length: 0\r\n\r\n",
        b"%s no HTTP at all %s\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: %s\r\nX: %s\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: multipart/mixed; boundary=%s\r\n\r\n--%s\r\nrubbish",
    ]
    asked = threading.Semaphore(0)
    with socket.create_server(("127.0.0.1", port)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    words = connection.recv(10_000).split(b" ")
                    what = words[1] if len(words) > 1 else b"nothing"
                    connection.sendall(answers[0] % (what, what))
                    answers.append(answers.pop(0))
                    asked.release()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        for api in apis:
            api.say(world.secrets.text(f"to a bad server, from {api.port}"))
        for _ in answers:
            for api in apis:
                world.try_(api, "GET", "/drop?limit=1", Cache_Control="no-cache")
            assert asked.acquire(timeout=20)
        server.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def test_no_secret_is_anywhere(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through a whole life no secret gets into a log, a file, an answer or a list of processes."""
    (world.root / "alice").mkdir()
    passphrase = world.root / "alice" / "passphrase"
    passphrase.touch(0o600)
    passphrase.write_text(world.secrets.text("the passphrase"))
    port = world.drop_server()
    with_key = f"--key=passphrase-file:{passphrase}"
    _, alice = world.daemon("alice", with_key)
    with monkeypatch.context() as patch:
        patch.setattr(processes, "TWISTD", [sys.executable, "-c", FAULTY])
        faulty, bob = world.daemon("bob")
    world.secrets.add("database key of bob", (bob.directory / "database-key").read_text().strip())

    for api in (alice, bob):
        api.good("PUT", "/settings", {"key": "poll_interval", "value": 0.1})
    meet(world, alice, bob, f"http://127.0.0.1:{port}")
    settings(world, alice)
    subscribe(world, alice)
    talk(world, alice, bob)
    ask_wrongly(world, alice)
    assert world.try_(bob, "GET", "/status").status == 500
    wait_until(lambda: "KeyError" in faulty.log or None, "the fault")
    assert "ValueError: (text withheld" in faulty.log
    alice.good("POST", "/backup", {"name": "copy.db"})
    assert world.leaks() == BELONGS

    world.running[0].stop()
    upset(world, port, alice, bob)
    status = alice.good("GET", "/status")
    assert not world.secrets.found_in(json.dumps(status).encode())
    world.running[1].process.send_signal(signal.SIGKILL)
    world.running[1].ended()
    assert world.leaks() == BELONGS

    assert world.drop_server(port) == port
    again, alice = world.daemon("alice", with_key)
    assert "MARK" in str(alice.good("GET", "/drop?since=0"))
    for each in (again, faulty):
        assert each.stop() in (0, -signal.SIGTERM)
    assert world.leaks() == BELONGS
    errors = [reply for reply in world.answers if reply.status >= 400]
    assert len(errors) > 20
    for reply in errors:
        assert not world.secrets.found_in(json.dumps(reply.body).encode()), reply


def test_the_search_finds_what_is_there(world: World) -> None:
    """Each form of a secret is found, so that nothing found means nothing there."""
    marker = world.secrets.text("marker")
    world.secrets.add("key", "0123456789abcdef" * 4)
    forms: list[tuple[str, Callable[[], bytes]]] = [
        ("marker", marker.encode),
        ("marker", lambda: marker.upper().encode()),
        ("marker", lambda: marker.encode().hex().encode()),
        ("marker", lambda: b64encode(b"some " + marker.encode() + b" text")),
        ("key", lambda: bytes.fromhex("0123456789abcdef" * 4)),
        ("key", lambda: b"0123456789ABCDEF" * 4),
    ]
    for what, make in forms:
        (world.root / "file").write_bytes(b"before" + make() + b"after")
        assert world.leaks() == {("file", what)}
