"""A daemon for Alice with a drop server beside it, one for Bob, and the command as each runs it."""

import contextlib
import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from qabel.cli import run
from qabel.cli.output import Output
from tests.integration.processes import Twistd, wait_until

ANYWHERE = "tcp:0:interface=127.0.0.1"


@frozen
class Result:
    """What a call of the command gave."""

    code: int
    out: str
    err: str

    @property
    def values(self) -> list[Any]:
        """The lines of JSON that it wrote."""
        return [json.loads(line) for line in self.out.splitlines()]


@frozen
class Command:
    """The command ``qabel``, run in this process, about one data directory."""

    directory: Path

    def __call__(self, *arguments: str, stdin: bytes = b"") -> Result:
        """Run it."""
        return call("--data-dir", str(self.directory), *arguments, stdin=stdin)

    def json(self, *arguments: str, stdin: bytes = b"") -> list[Any]:
        """Run it with ``--json``; it must succeed."""
        result = self("--json", *arguments, stdin=stdin)
        assert result.code == 0, result.err
        return result.values


@frozen
class Daemons:
    """The daemons that run, with their data directories in a folder."""

    folder: Path
    alice: Twistd
    bob: Twistd


def call(*arguments: str, stdin: bytes = b"") -> Result:
    """Run the command in this process."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(stdin), "utf-8")
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(arguments, Output(out=out, err=err))
    finally:
        sys.stdin = before
    written = [stream.buffer.getvalue().decode() for stream in (out, err)]  # type: ignore[attr-defined]
    return Result(code, *written)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Have nothing of the machine's own settings count."""
    for name in ("QABEL_DATA_DIR", "QABEL_URL", "QABEL_TOKEN", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(scope="session")
def daemons(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemons]:
    """Have the two daemons run."""
    folder = tmp_path_factory.mktemp("cli")
    folder.chmod(0o700)
    rest = ["qabel-rest", f"--listen={ANYWHERE}"]
    with (
        Twistd(
            folder / "logs", *rest, f"--data-dir={folder / 'alice'}", f"--drop-server={ANYWHERE}"
        ) as alice,  # fmt: skip
        Twistd(folder / "logs-of-bob", *rest, f"--data-dir={folder / 'bob'}") as bob,
    ):
        for daemon in (alice, bob):
            daemon.wait_for(r"listens on .*rest\.sock")
        yield Daemons(folder, alice, bob)


@pytest.fixture(scope="session")
def people(daemons: Daemons) -> dict[str, Command]:
    """Have Alice and Bob know each other; gives the command as each of them runs it."""
    alice, bob = Command(daemons.folder / "alice"), Command(daemons.folder / "bob")
    [server] = alice.json("server")
    bob.json("server", "add", server["url"])
    alice.json("identity", "new", "Alice")
    bob.json("identity", "new", "Bob")
    for me, other, name in ((alice, bob, "Bob"), (bob, alice, "Alice")):
        me.json("settings", "set", "poll_interval", "0.5")
        me.json("contact", "import", "-", stdin=other("identity", "card", name).out.encode())
    return {"alice": alice, "bob": bob}


@pytest.fixture
def alice(people: dict[str, Command]) -> Command:
    """Give the command as Alice runs it; her daemon has a drop server."""
    return people["alice"]


@pytest.fixture
def bob(people: dict[str, Command]) -> Command:
    """Give the command as Bob runs it."""
    return people["bob"]


def eventually(look: Callable[[], Any], what: str) -> Any:
    """Look until there is something."""
    return wait_until(lambda: look() or None, what)
