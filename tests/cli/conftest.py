"""The command ``qabel`` as Alice and Bob run it, with a daemon each and one drop server."""

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
class CommandResult:
    """The exit status and output of a call of the command."""

    exit_status: int
    out: str
    err: str

    @property
    def values(self) -> list[Any]:
        """The values in its lines of JSON."""
        return [json.loads(line) for line in self.out.splitlines()]


@frozen
class QabelCommand:
    """The command ``qabel`` with one data directory, run in this process."""

    directory: Path

    def __call__(self, *arguments: str, stdin: bytes = b"") -> CommandResult:
        """Run it. The directory is in the environment, so that hints do not repeat it."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("QABEL_DATA_DIR", str(self.directory))
            return call(*arguments, stdin=stdin)

    def json(self, *arguments: str, stdin: bytes = b"") -> list[Any]:
        """Run it with ``--json``, and return the values. It must succeed."""
        result = self("--json", *arguments, stdin=stdin)
        assert result.exit_status == 0, result.err
        return result.values


@frozen
class Daemons:
    """Two running daemons, with their data directories in one folder."""

    folder: Path
    alice: Twistd
    bob: Twistd


def call(*arguments: str, stdin: bytes = b"") -> CommandResult:
    """Run the command in this process."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(stdin), "utf-8")
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            exit_status = run(arguments, Output(out=out, err=err))
    finally:
        sys.stdin = before
    written = [stream.buffer.getvalue().decode() for stream in (out, err)]  # type: ignore[attr-defined]
    return CommandResult(exit_status, *written)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Ignore the environment of the user who runs the tests."""
    for name in ("QABEL_DATA_DIR", "QABEL_URL", "QABEL_TOKEN", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(scope="session")
def daemons(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemons]:
    """Run two daemons."""
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
def people(daemons: Daemons) -> dict[str, QabelCommand]:
    """Introduce Alice and Bob to each other, and return the command as each of them runs it."""
    alice, bob = QabelCommand(daemons.folder / "alice"), QabelCommand(daemons.folder / "bob")
    [server] = alice.json("server")
    bob.json("server", "add", server["url"])
    alice.json("identity", "new", "Alice")
    bob.json("identity", "new", "Bob")
    for me, other, name in ((alice, bob, "Bob"), (bob, alice, "Alice")):
        me.json("settings", "set", "poll_interval", "0.5")
        me.json("settings", "set", "privacy.acknowledge_delay", "0")
        me.json("contact", "import", "-", stdin=other("identity", "card", name).out.encode())
    return {"alice": alice, "bob": bob}


@pytest.fixture
def alice(people: dict[str, QabelCommand]) -> QabelCommand:
    """Return the command as Alice runs it."""
    return people["alice"]


@pytest.fixture
def bob(people: dict[str, QabelCommand]) -> QabelCommand:
    """Return the command as Bob runs it."""
    return people["bob"]


def eventually(look: Callable[[], Any], what: str) -> Any:
    """Call a function until it returns something, and return that."""
    return wait_until(lambda: look() or None, what)


def arrived(whose: QabelCommand, text: str) -> dict[str, Any]:
    """Wait until a message with this text has arrived, and return it."""

    def look() -> Any:
        found = whose.json("inbox", "--all", "--poll")
        return next((each for each in found if each["data"].get("msg") == text), None)

    message: dict[str, Any] = eventually(look, f"the message {text!r}")
    return message


def one_line(result: CommandResult) -> str:
    """Check that an error is one line that begins with the command's name, and return it."""
    [line] = result.err.splitlines()
    assert line.startswith("qabel: ")
    assert result.out == ""
    return line


def drop_of(whose: QabelCommand) -> str:
    """Return the URL of a drop that nobody reads, on Alice's drop server."""
    [server] = whose.json("server")
    return f"{server['url']}/{'n' * 43}"
