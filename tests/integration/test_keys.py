"""Where the key of a real daemon comes from, what a wrong one does, and who may read its files."""

import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.integration.client import Api
from tests.integration.processes import ROOT, Twistd

pytest.importorskip("keyring")

ANYWHERE = "tcp:0:interface=127.0.0.1"


class Place:
    """A data directory, and what daemons on it need to know."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.data = root / "data"
        self.env = {
            "CREDENTIALS_DIRECTORY": str(root),
            "PYTHON_KEYRING_BACKEND": "tests.integration.file_keyring.FileKeyring",
            "TEST_KEYRING": str(root / "keyring"),
        }
        self.started: list[Twistd] = []

    def passphrase(self, name: str, text: str) -> Path:
        """Write a file with a passphrase."""
        path = self.root / name
        path.touch(0o600)
        path.write_text(text + "\n")
        return path

    def start(self, *arguments: str, env: Mapping[str, str] | None = None) -> Twistd:
        """Start a daemon."""
        twistd = Twistd(
            self.root / "process",
            *("qabel-rest", "--data-dir", str(self.data), "--listen", ANYWHERE, *arguments),
            env={**self.env, **(env or {})},
        )
        self.started.append(twistd)
        return twistd

    def run(self, *arguments: str) -> None:
        """Start a daemon, see that it answers and is the one from before, and end it."""
        twistd = self.start(*arguments)
        twistd.port("qabel-rest")
        api = Api(self.data)
        if not api.good("GET", "/settings")["module_data"]:
            body = {"key": "module_data.test", "value": {"known": True}}
            api.good("PUT", "/settings", body)
            assert len(self.started) == 1
        twistd.stop()

    def refused(self, *arguments: str) -> str:
        """Start a daemon that cannot start, and give the one line that says why."""
        before = self.files()
        twistd = self.start(*arguments)
        assert twistd.ended() == 1
        assert self.files() == before
        assert "Traceback" not in twistd.log + twistd.errors
        [line] = [line for line in twistd.errors.splitlines() if line.startswith("qabel-rest: ")]
        return line

    def change(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Change the key."""
        return subprocess.run(
            [sys.executable, "-m", "qabel.keys.rekeying", "--data-dir", str(self.data), *arguments],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def files(self) -> dict[str, bytes]:
        """Return what the data directory holds, but for the lock."""
        found = [path for path in self.data.rglob("*") if path.is_file() and path.name != "lock"]
        return {str(path.relative_to(self.data)): path.read_bytes() for path in found}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Return a data directory that is not there yet; what was started on it ends."""
    made = Place(tmp_path)
    yield made
    for each in made.started:
        each.kill()


def test_a_passphrase_through_its_life(place: Place) -> None:
    """A file, systemd and the command line's other ways open one database; others do not."""
    good = f"passphrase-file:{place.passphrase('good', 'correct horse')}"
    place.run("--key", good)
    place.run("--key", "credential:good")
    wrong = f"passphrase-file:{place.passphrase('wrong', 'another horse')}"
    assert "Wrong passphrase" in place.refused("--key", wrong)
    assert "sealed under a passphrase, in" in place.refused("--key", "file")
    assert "no key for" in place.refused("--key", "keyring")
    done = place.change("--key", good, "--new-key", wrong)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Wrong passphrase" in place.refused("--key", good)
    place.run("--key", wrong)


def test_the_keyring_through_its_life(place: Place) -> None:
    """The desktop's keyring holds the key; from there it moves to a file, and back."""
    place.run("--key", "keyring")
    assert "database-key" not in place.files()
    assert place.change("--key", "keyring", "--new-key", "file").returncode == 0
    assert "no key for" in place.refused("--key", "keyring")
    place.run()
    assert place.change("--new-key", "keyring").returncode == 0
    assert "database-key" not in place.files()
    place.run("--key", "keyring")


def test_a_wrong_key_file(place: Place) -> None:
    """A key file of another database, or one that others may read, is refused."""
    place.run()
    other = place.root / "other"
    other.touch(0o600)
    other.write_text("12" * 32 + "\n")
    assert "does not open" in place.refused("--key", f"file:{other}")
    (place.data / "database-key").chmod(0o640)
    assert "chmod 600" in place.refused()


def test_what_stands_on_a_command_line_is_no_passphrase(place: Place) -> None:
    """Every user of the machine could read it there; the error does not repeat it."""
    line = place.refused("--key", "passphrase:hunter2")
    assert "hunter2" not in line
    assert "passphrase-fd:N" in line
    assert not place.data.exists()


def test_no_change_while_a_daemon_runs(place: Place) -> None:
    """The command says which process has the directory, and leaves it alone."""
    place.run()
    running = place.start()
    running.port("qabel-rest")
    done = place.change()
    assert done.returncode == 1
    assert f"in use by another process (process {running.process.pid})" in done.stderr
    running.stop()
    assert place.change().returncode == 0
    place.run()


def modes(directory: Path) -> dict[str, int]:
    """Return the permissions of a directory, and of all it holds."""
    paths = [directory, *directory.rglob("*")]
    return {str(each.relative_to(directory)): stat.S_IMODE(each.stat().st_mode) for each in paths}


def test_permissions_are_mended(place: Place) -> None:
    """What became open to others is closed at the next start, and that is logged."""
    twistd = place.start("--drop-server", ANYWHERE)
    twistd.port("qabel-rest")
    Api(place.data).good("POST", "/backup", {"name": "copy.db"})
    assert not {name: mode for name, mode in modes(place.data).items() if mode & 0o077}
    twistd.stop()
    open_ = ("", "qabel.db", "backups", "backups/copy.db", "drop-server")
    for name in open_:
        path = place.data / name
        path.chmod(path.stat().st_mode | 0o055)
    token = Api(place.data).token
    (place.data / "api-token").chmod(0o644)
    twistd = place.start("--drop-server", ANYWHERE)
    twistd.port("qabel-rest")
    assert not {name: mode for name, mode in modes(place.data).items() if mode & 0o077}
    assert "copy.db was accessible to other users" in twistd.log
    assert Api(place.data).token != token


def test_the_umask_of_whoever_starts_it_is_no_matter(place: Place) -> None:
    """Every file is private, even where the system's habit is to share."""
    code = "import os; os.umask(0); from twisted.scripts.twistd import run; run()"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.integration.processes.TWISTD", [sys.executable, "-c", code])
        twistd = place.start("--drop-server", ANYWHERE)
    twistd.port("qabel-rest")
    assert not {name: mode for name, mode in modes(place.data).items() if mode & 0o077}


@pytest.mark.skipif(sys.platform != "linux", reason="it is of Linux")
def test_a_daemon_cannot_be_looked_into(place: Place) -> None:
    """A running daemon writes no core dump; its memory belongs to the system's administrator."""
    twistd = place.start()
    twistd.port("qabel-rest")
    proc = Path("/proc") / str(twistd.process.pid)
    assert (proc / "environ").stat().st_uid == 0
    [line] = [each for each in (proc / "limits").read_text().splitlines() if "core" in each]
    assert line.split()[4:6] == ["0", "0"]
