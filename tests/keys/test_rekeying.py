"""Changing the key and its place: all or nothing, whatever fails or kills it."""

import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from qabel.deferreds import result_of
from qabel.host.data_directory import DirectoryLock
from qabel.host.job_thread import InlineWorker
from qabel.host.start_errors import StartError
from qabel.keys.key_file import KeyFile
from qabel.keys.passphrase import Passphrase
from qabel.keys.rekeying import change_key, main
from qabel.store.database.creating import ensure_key
from qabel.store.database.database import Database
from qabel.store.database.errors import KeyTrouble, StoreError, WrongKey
from qabel.store.file_names import BACKUPS, DATABASE, SEALED_KEY
from qabel.store.key_record import KeyRecord, KeySource
from tests.keys.rekeying_kills import FIRST, KINDS, QUICK, SECOND, fill, is_whole, key_file

ROOT = Path(__file__).parents[2]
KILLS = [sys.executable, "-m", "tests.keys.rekeying_kills"]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Return a data directory with a database, whose key is in a file."""
    made = tmp_path / "data"
    fill(made, key_file(made))
    return made


def contents(directory: Path) -> dict[str, bytes]:
    """Return the content of all files except the lock."""
    files = [each for each in directory.rglob("*") if each.is_file() and each.name != "lock"]
    return {each.name: each.read_bytes() for each in files}


def test_from_a_file_to_a_passphrase(directory: Path) -> None:
    """The database opens with the passphrase, and no file shows a key."""
    old = key_file(directory).read().current
    change = change_key(directory, key_file(directory), FIRST(directory))
    assert is_whole(directory, FIRST(directory))
    assert set(contents(directory)) == {DATABASE, SEALED_KEY}
    record = FIRST(directory).read()
    assert record == KeyRecord(record.current, earlier=(old,))
    for key in record.candidates:
        for content in contents(directory).values():
            assert key not in content
            assert key.hex().encode() not in content
    assert str(directory / SEALED_KEY) in str(change)
    assert str(directory / "database-key") in str(change)
    assert change.backups == 0


def test_wherever_it_is_killed(tmp_path: Path) -> None:
    """Killed after any step, the database opens with the old or new key, and a retry succeeds."""
    done = subprocess.run(
        [*KILLS, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    steps = dict(line.split() for line in done.stdout.splitlines())
    assert set(steps) == set(KINDS)
    assert all(int(count) > 10 for count in steps.values())


@pytest.mark.parametrize("delay", [0.0, 0.004, 0.009, 0.015, 0.022, 0.031, 0.045])
def test_killed_at_any_moment(tmp_path: Path, delay: float) -> None:
    """Killed between any two instructions, SQLCipher's included, nothing is lost."""
    directory = tmp_path / "data"
    fill(directory, FIRST(directory))
    command = [*KILLS, "endless", str(directory), "passphrase-to-file"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(delay)
        process.kill()
    assert is_whole(directory, FIRST(directory)) or is_whole(directory, key_file(directory))


def test_a_wrong_key_changes_nothing(directory: Path, tmp_path: Path) -> None:
    """A wrong old key changes neither the database nor the new place."""
    other = KeyFile(tmp_path / "other")
    ensure_key(other)
    before = contents(directory)
    with pytest.raises(WrongKey):
        change_key(directory, other, FIRST(directory))
    with pytest.raises(KeyTrouble, match="under no passphrase, but in"):
        change_key(directory, FIRST(directory), SECOND(directory))
    assert contents(directory) == before


def test_a_place_that_has_another_key_is_not_changed(directory: Path, tmp_path: Path) -> None:
    """The key of another database is never overwritten."""
    other = KeyFile(tmp_path / "other")
    kept = ensure_key(other)
    before = contents(directory)
    with pytest.raises(KeyTrouble, match="key is already stored"):
        change_key(directory, key_file(directory), other)
    assert other.read() == kept
    assert contents(directory) == before


def test_not_while_a_daemon_runs(directory: Path) -> None:
    """The key of a running daemon's database cannot be changed."""
    before = contents(directory)
    with DirectoryLock(directory), pytest.raises(StartError, match="in use by this process"):
        change_key(directory, key_file(directory), FIRST(directory))
    assert contents(directory) == before


def test_a_directory_without_a_database(tmp_path: Path) -> None:
    """A directory without a database is an error, and is not changed."""
    with pytest.raises(StartError, match="no database"):
        change_key(tmp_path, key_file(tmp_path), FIRST(tmp_path))
    assert list(tmp_path.iterdir()) == []


class Failing:
    """A place of which one write fails, before or after it is done."""

    def __init__(self, source: KeySource, fails_at: int, *, done: bool) -> None:
        self.source = source
        self.left = fails_at
        self.done = done

    def __getattr__(self, name: str) -> Any:
        return getattr(self.source, name)

    def write(self, record: KeyRecord) -> None:
        """Store the record, unless this write is the one to fail."""
        self.left -= 1
        if self.left != 0 or self.done:
            self.source.write(record)
        if self.left == 0:
            raise KeyTrouble("it cannot be written")


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("fails_at", [1, 2])
@pytest.mark.parametrize("kind", list(KINDS))
def test_a_new_place_that_fails(tmp_path: Path, kind: str, fails_at: int, done: bool) -> None:
    """Whichever write fails, one of the places opens the database, and a retry succeeds."""
    directory = tmp_path / "data"
    old, new, _ = KINDS[kind]
    fill(directory, old(directory))
    failing: Any = Failing(new(directory), fails_at, done=done)
    with pytest.raises(StoreError, match="cannot be written"):
        change_key(directory, old(directory), failing)
    opens = [is_whole(directory, place(directory)) for place in (old, new)]
    assert any(opens)
    if fails_at == 1:
        assert opens[0]
    change_key(directory, old(directory), new(directory))
    assert is_whole(directory, new(directory))


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_disk_that_fails(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the database cannot be written, both places hold what they did before."""
    directory = tmp_path / "data"
    old, new, _ = KINDS[kind]
    fill(directory, old(directory))
    before = old(directory).read()

    def no_space(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("qabel.store.database.encrypted_file.copy_to", no_space)
        with pytest.raises(StoreError, match="No space left"):
            change_key(directory, old(directory), new(directory))
    assert is_whole(directory, old(directory))
    assert old(directory).read() == before
    if old is not new:
        assert not is_whole(directory, new(directory))
    assert not list(directory.glob("*.new"))


def test_a_copy_of_the_key_stays_when_the_change_fails(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new place that already had the database's key still has it after a failed change."""
    copy = KeyFile(tmp_path / "copy")
    kept = KeyRecord(key_file(directory).read().current, earlier=(b"\x05" * 32,))
    copy.write(kept)
    with monkeypatch.context() as patch:
        patch.setattr("qabel.store.database.encrypted_file.copy_to", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            change_key(directory, key_file(directory), copy)
    assert copy.read() == kept
    change_key(directory, key_file(directory), copy)
    assert set(copy.read().earlier) == {kept.current, b"\x05" * 32}


def test_backups_still_open(directory: Path) -> None:
    """A restored backup opens with the earlier key, which the new place still has."""
    database = Database(directory / DATABASE, key_file(directory), worker=InlineWorker)
    result_of(database.open())
    backups = directory / BACKUPS
    backups.mkdir(0o700)
    result_of(database.backup(backups / "one.db"))
    result_of(database.close())
    change = change_key(directory, key_file(directory), FIRST(directory))
    assert change.backups == 1
    assert "1 in all" in str(change)
    change_key(directory, FIRST(directory), SECOND(directory))
    shutil.copy(backups / "one.db", directory / DATABASE)
    assert is_whole(directory, SECOND(directory))
    change_key(directory, SECOND(directory), SECOND(directory))
    assert is_whole(directory, SECOND(directory))


def test_a_change_that_was_done_already(directory: Path) -> None:
    """A change interrupted before its last step is completed, and nothing else is changed."""
    kept = key_file(directory).read()
    change_key(directory, key_file(directory), FIRST(directory))
    before = contents(directory)
    key_file(directory).write(kept)
    assert change_key(directory, key_file(directory), FIRST(directory)).again
    assert contents(directory) == before
    again = change_key(directory, key_file(directory), FIRST(directory))
    assert "already" in str(again)


def test_an_old_key_of_another_database_is_not_removed(directory: Path, tmp_path: Path) -> None:
    """The key of another database is not removed, even if the new key fits already."""
    change_key(directory, key_file(directory), FIRST(directory))
    other = KeyFile(tmp_path / "other")
    kept = ensure_key(other)
    with pytest.raises(WrongKey):
        change_key(directory, other, FIRST(directory))
    assert other.read() == kept


def test_a_directory_that_others_may_read(directory: Path) -> None:
    """Permissions of the data directory that are too open are corrected."""
    (directory / "lock").touch()
    directory.chmod(0o755)
    change_key(directory, key_file(directory), key_file(directory))
    assert directory.stat().st_mode & 0o777 == 0o700


def run(directory: Path, *arguments: str, text: str = "") -> "subprocess.CompletedProcess[str]":
    """Run the command."""
    return subprocess.run(
        [sys.executable, "-m", "qabel.keys.rekeying", "--data-dir", str(directory), *arguments],
        cwd=ROOT,
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_command(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both passphrases are read from standard input, a line each, and an error is one line."""
    done = run(directory, "--new-key", "passphrase-fd:0", text="the first passphrase\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert "has a new key" in done.stdout
    both = ["--key", "passphrase-fd:0", "--new-key", "passphrase-fd:0"]
    done = run(directory, *both, text="the first passphrase\nthe second passphrase\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert is_whole(directory, SECOND(directory))
    wrong = run(directory, *both, text="the first passphrase\nthe third passphrase\n")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert wrong.stderr.count("\n") == 1
    assert "Wrong passphrase" in wrong.stderr
    assert "passphrase\n" not in wrong.stderr


def test_the_command_says_how_it_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    """The help lists the kinds of keys."""
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "passphrase-file:PATH" in capsys.readouterr().out


def test_strength_is_the_default_one(directory: Path) -> None:
    """A seal of lower strength gets the default strength when the key changes."""
    quick = Passphrase(directory / SEALED_KEY, b"the first passphrase", strength=QUICK)
    change_key(directory, key_file(directory), quick)
    change_key(directory, quick, Passphrase(directory / SEALED_KEY, b"the first passphrase"))
    assert '"memory": 268435456' in (directory / SEALED_KEY).read_text()
