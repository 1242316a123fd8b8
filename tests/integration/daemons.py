"""Daemons for tests: processes of their own, with a client each."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from qabel.crypto import PrivateKey, PublicKey
from qabel.drop.message import DropMessage, encode
from qabel.drop.transport import Opened, Opener, seal_message
from tests.integration.client import Api, Reply
from tests.integration.processes import ROOT, Twistd, wait_until

INSIDE = Path(__file__).parent / "inside"

ANYWHERE = "tcp:0:interface=127.0.0.1"
"""A port that the system chooses."""

DRAWN = 150.0
"""Seconds in which something happens whose time is drawn, with a mean of ten seconds."""

SOON = 60.0
"""Seconds in which what takes a moment must have happened, on a machine that is busy."""


@contextmanager
def serving_drops(folder: Path, port: int = 0, options: Sequence[str] = ()) -> Iterator[str]:
    """Run a drop server, which keeps its data and its logs in a folder; yield its URL.

    ``port`` is 0 for one that the system chooses; ``options`` are further ones of the server.
    """
    listen = f"--listen=tcp:{port}:interface=127.0.0.1"
    arguments = ["qabel-drop", f"--data-dir={folder / 'drops'}", listen, *options]
    with Twistd(folder / "drops.log", *arguments) as process:
        yield f"http://127.0.0.1:{process.port('qabel-drop')}"


def inside(
    *,
    clock: Path | None = None,
    limits: Mapping[str, float] | None = None,
    heartbeat: float | None = None,
) -> dict[str, str]:
    """Return the environment of a daemon whose clock or patience the test sets."""
    env = {"PYTHONPATH": os.pathsep.join((str(INSIDE), str(ROOT)))}
    if clock is not None:
        move(clock, 0)
        env["TEST_CLOCK"] = str(clock)
    if limits is not None:
        env["TEST_LIMITS"] = json.dumps(limits)
    if heartbeat is not None:
        env["TEST_HEARTBEAT"] = str(heartbeat)
    return env


def move(clock: Path, seconds: float) -> None:
    """Have a daemon's clock be off by so many seconds, from now on."""
    new = clock.with_suffix(".new")
    new.write_text(str(seconds))
    new.replace(clock)


class Daemon:
    """A daemon in a directory of its own; as a context manager it is killed at the end."""

    def __init__(
        self,
        folder: Path,
        name: str,
        *options: str,
        push: bool = False,
        env: Mapping[str, str] | None = None,
        under: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.directory = folder / name
        self.api = Api(self.directory)
        self._logs = folder / f"{name}.log"
        self._arguments = ["qabel-rest", f"--data-dir={self.directory}", f"--listen={ANYWHERE}"]
        self._arguments += [*options, *([] if push else ["--no-push"])]
        self._env = dict(env or {})
        self._under = tuple(under)
        self.process = self._begin()

    def _begin(self) -> Twistd:
        return Twistd(self._logs, *self._arguments, env=self._env, under=self._under)

    def up(self) -> Self:
        """Wait until it listens."""
        self.process.wait_for(r"listens on .*rest\.sock")
        return self

    def again(self) -> Self:
        """Start it again, after it was stopped or killed."""
        self.process = self._begin()
        return self.up()

    def live(self, server: str, interval: float = 0.1) -> dict[str, Any]:
        """Make an identity on a drop server that is asked often; return its contact."""
        self.api.good("PUT", "/settings", {"key": "poll_interval", "value": interval})
        contact: dict[str, Any] = self.api.meet(self.name, server)["contacts"][0]
        return contact

    def knows(self, alias: str, key: str, *urls: str) -> None:
        """Add a contact."""
        contact = {"alias": alias, "public_key": key, "drop_urls": urls}
        [outcome] = self.api.good("POST", "/contacts/import", {"contacts": [contact]})
        assert outcome, outcome

    def status(self) -> dict[str, Any]:
        """Ask how it is."""
        answer: dict[str, Any] = self.api.good("GET", "/status")
        return answer

    def troubles(self) -> str:
        """Return all that it says is wrong."""
        return " ".join(self.status()["troubles"])

    def health(self) -> Reply:
        """Ask whether it is well."""
        return self.api.ask("GET", "/health")

    def heard(self) -> list[Any]:
        """Return the ``msg`` of all messages that it has."""
        reply = self.api.ask("GET", "/drop?since=0&limit=10000")
        return [] if reply.status == 204 else [each["data"]["msg"] for each in reply.body]

    def hears(self, expected: list[Any]) -> None:
        """Wait until its messages are just these."""
        eventually(lambda: self.heard() == expected, lambda: f"{self.name} heard {self.heard()}")

    def memory(self, what: str = "VmRSS") -> int:
        """Return the memory that it has (VmRSS) or had at most (VmHWM), in MiB."""
        lines = Path(f"/proc/{self.process.process.pid}/status").read_text().splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith(what))) // 1024

    def stop(self) -> float:
        """Stop it as service managers do; return how long that took."""
        began = time.monotonic()
        try:
            self.process.stop(5)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it did not stop: {self.process.log}") from None
        return time.monotonic() - began

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()


class Pen:
    """Somebody outside who writes to daemons, by sealing messages with a key of their own."""

    def __init__(self) -> None:
        self.key = PrivateKey.generate()

    @property
    def public(self) -> str:
        """Who it is: 64 hex digits."""
        return self.key.public_key.hex

    def open(self, box: bytes) -> DropMessage:
        """Open a message that was sealed for the pen's own key."""
        [opened] = Opener([self.key]).open_all([box])
        assert isinstance(opened, Opened)
        return opened.message

    def seal(self, to: str, msg: Any, *, padding: int = 0, **more: Any) -> bytes:
        """Seal a message for the owner of a key."""
        data: dict[str, Any] = {"msg": msg}
        if padding:
            data["padding"] = "x" * padding
        message = DropMessage(
            time_stamp=1_700_000_000_000,
            sender=self.key.public_key,
            model_object="chat",
            data=json.dumps(data).encode(),
            **more,
        )
        return seal_message(self.key, PublicKey.from_hex(to), encode(message))


def eventually(
    true: Callable[[], object], what: Callable[[], str] | str = "it", deadline: float = SOON
) -> None:
    """Wait until something is so; fails with what ``what`` tells then."""
    try:
        wait_until(lambda: true() or None, "", deadline)
    except AssertionError:
        raise AssertionError(what if isinstance(what, str) else what()) from None
