"""Backups of real daemons, with their keys, wherever these are kept, on another machine."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.daemons import Daemon, eventually, serving_drops
from tests.integration.processes import ROOT

pytest.importorskip("keyring")


class Machine:
    """A machine: a directory in which daemons have theirs, with a keyring and a passphrase."""

    def __init__(self, root: Path, horse: str = "correct horse") -> None:
        root.mkdir(mode=0o700)
        self.root = root
        self.env = {
            "CREDENTIALS_DIRECTORY": str(root),
            "PYTHON_KEYRING_BACKEND": "tests.integration.file_keyring.FileKeyring",
            "TEST_KEYRING": str(root / "keyring"),
        }
        self.passphrase = root / "passphrase"
        self.passphrase.touch(0o600)
        self.passphrase.write_text(f"{horse}\n")

    def daemon(self, key: str) -> Daemon:
        """Start a daemon."""
        return Daemon(self.root, "bob", f"--key={key}", env=self.env)

    @property
    def data(self) -> Path:
        """The data directory of the daemon."""
        return self.root / "bob"

    def qabel(self, *arguments: str) -> tuple[int, str]:
        """Run the command, and return its exit status and all that it writes."""
        done = subprocess.run(
            [sys.executable, "-m", "qabel.cli", "--data-dir", str(self.data), *arguments],
            cwd=ROOT,
            env={**os.environ, **self.env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            text=True,
            timeout=60,
        )
        return done.returncode, " ".join((done.stdout + done.stderr).split())


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """Return the URL of a drop server."""
    with serving_drops(tmp_path) as url:
        yield url


MODES: dict[str, tuple[str, str, str]] = {
    "file": ("file", "file", "database-key"),
    "elsewhere": ("file:{}/keys", "file", "keys"),
    "passphrase": ("passphrase-file:{}/passphrase", "passphrase-file:{}/passphrase", "sealed"),
    "credential": ("credential:passphrase", "credential:passphrase", "sealed"),
    "keyring": ("keyring", "keyring", "desktop keyring"),
}
"""How the key is kept on both machines, and a word of what the backup says of it."""


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_a_backup_on_another_machine(
    tmp_path: Path, server: str, mode: tuple[str, str, str]
) -> None:
    """Two files are all that is needed there, besides a passphrase: to read, receive and send."""
    here, there = Machine(tmp_path / "here"), Machine(tmp_path / "there")
    key, new_key = mode[0].format(here.root), mode[1].format(there.root)
    with Daemon(tmp_path, "alice") as alice:
        known = alice.up().live(server)
        with here.daemon(key) as bob:
            contact = bob.up().live(server)
            alice.knows("Bob", contact["public_key"], *contact["drop_urls"])
            alice.api.say("before")
            bob.hears(["before"])
            status, text = here.qabel("backup", "plain")
            assert (status, mode[2] in text) == (0, True), text
            status, text = here.qabel("backup", "moved.db", "--with-key")
            assert status == 0, text
            assert ("unprotected" in text) == ("sealed" not in mode[2])
            bob.process.kill()
        for name in ("moved.db", "moved.db.key"):
            copy = here.data / "backups" / name
            assert copy.stat().st_mode & 0o777 == 0o600
            shutil.move(copy, there.root / name)
        shutil.rmtree(here.root)
        alice.api.say("meanwhile")
        status, text = there.qabel("restore", str(there.root / "moved.db"), "--key", new_key)
        assert status == 0, text
        with there.daemon(new_key) as bob:
            bob.up()
            bob.hears(["before", "meanwhile"])
            bob.knows("Alice", known["public_key"], *known["drop_urls"])
            bob.api.say("back again")
            eventually(lambda: alice.heard() == ["back again"], lambda: str(alice.heard()))


def test_keys_that_do_not_fit(tmp_path: Path) -> None:
    """A wrong, missing, mixed-up or open key is named, and nothing is left but the directory."""
    here, there = Machine(tmp_path / "here"), Machine(tmp_path / "there", "another horse")
    with here.daemon("file") as bob:
        bob.up()
        assert here.qabel("backup", "plain", "--with-key")[0] == 0
        bob.stop()
    sealing = f"passphrase-file:{here.passphrase}"
    assert here.qabel("key", "change", "--new-key", sealing)[0] == 0
    with here.daemon(sealing) as bob:
        bob.up()
        assert here.qabel("backup", "sealed", "--with-key")[0] == 0
        bob.stop()
    backups = here.data / "backups"

    def refuse(name: str, *arguments: str) -> str:
        status, text = there.qabel("restore", str(backups / name), *arguments)
        assert status == 1, text
        assert not there.data.exists() or [each.name for each in there.data.iterdir()] == ["lock"]
        return text

    assert "Pass --key passphrase-fd:0" in refuse("sealed")
    wrong = f"passphrase-file:{there.passphrase}"
    assert "Wrong passphrase" in refuse("sealed", "--key", wrong)
    sealed_file = f"file:{backups / 'sealed.key'}"
    (backups / "lonely").write_bytes((backups / "sealed").read_bytes())
    assert "there is no lonely.key beside it" in refuse("lonely")
    assert "sealed under a passphrase" in refuse("lonely", "--key", sealed_file)
    with Machine(tmp_path / "third").daemon("file") as other:
        other.up().stop()
    shutil.copy(tmp_path / "third" / "bob" / "database-key", backups / "lonely.key")
    assert "does not open" in refuse("lonely")
    (backups / "lonely.key").write_text("nonsense\n")
    assert "contains no database key" in refuse("lonely")
    (backups / "plain.key").chmod(0o644)
    assert "chmod 600" in refuse("plain")


def test_errors_name_the_sealed_key(tmp_path: Path) -> None:
    """Where the key is sealed, a start without the passphrase says so, and so does doctor."""
    here = Machine(tmp_path / "here")
    with here.daemon(f"passphrase-file:{here.passphrase}") as bob:
        bob.up().stop()
    sealed = str(here.data / "database-key.sealed")
    with here.daemon("file") as bob:
        assert bob.process.ended() == 1
        assert f"sealed under a passphrase, in {sealed}" in bob.process.errors
        assert "passphrase-fd:0" in bob.process.errors
    _, text = here.qabel("doctor")
    assert f"Only you can access {sealed}" in text
    assert "doctor --key passphrase-fd:0" in text
    assert "no database key" not in text
    _, text = here.qabel("doctor", "--key", f"passphrase-file:{here.passphrase}")
    assert "The key opens" in text
