"""What is said of keys and passphrases helps, in the situation in which it is shown."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.hints.person import Person, Said
from tests.hints.printed import shows

Come = Callable[..., Person]

PROMPT = "Passphrase: "


@pytest.fixture
def sealed(person: Come) -> tuple[Person, str]:
    """Return somebody whose key is sealed under a passphrase in a file, with that key."""
    me = person()
    passphrase(me, "secret", "correct horse")
    key = "passphrase-file:secret"
    me.starts(options=("--key", key))
    assert me.runs("settings", "set", "module_data.test", "{}").status == 0
    return me, key


def passphrase(who: Person, name: str, text: str) -> Path:
    """Write a file with a passphrase."""
    path = who.home / name
    path.touch(0o600)
    path.write_text(text + "\n")
    return path


def fails(who: Person, line: str) -> Said:
    """Start a daemon that cannot start, and see that it says why in one line."""
    said = who.types(f"{line} --port 0")
    assert said.status in (1, 2), said.text
    [only] = said.text.splitlines()
    assert only.startswith("qabel-rest: ")
    return said


@shows("keys/key_file.py: The database key is sealed under a passphrase, in X.")
def test_a_passphrase_that_was_left_out(sealed: tuple[Person, str]) -> None:
    """Who starts the daemon without its passphrase is told each way to give it, and it starts."""
    me, key = sealed
    me.stops()
    said = fails(me, "qabel-rest")
    assert "passphrase-fd:0" in said.text
    me.starts(options=("--key", key))


@shows("database_check.py: To check it, stop the daemon, and run: qabel doctor --key X")
def test_checking_a_database_under_a_passphrase(sealed: tuple[Person, str]) -> None:
    """Doctor asks for the passphrase, as it says, and checks the database; a wrong one is told."""
    me, _ = sealed
    assert "FAIL  key" not in me.runs("doctor").text
    me.stops()
    hint = me.runs("doctor").hint("qabel", "doctor")
    line = f"qabel {' '.join(hint.words)}"
    assert "The key opens" in me.types(line, "correct horse\n", PROMPT).text
    assert "Wrong passphrase" in me.types(line, "another horse\n", PROMPT).text


def test_a_passphrase_that_is_wrong(sealed: tuple[Person, str]) -> None:
    """A wrong passphrase is told, and nothing is changed; the right one opens all."""
    me, key = sealed
    me.stops()
    passphrase(me, "wrong", "another horse")
    assert "Wrong passphrase" in fails(me, "qabel-rest --key passphrase-file:wrong").text
    said = me.types("qabel key change --key passphrase-file:wrong --new-key file")
    assert "nothing was changed" in said.text
    me.starts(options=("--key", key))


@shows("keys/choice.py: the passphrase file X is accessible to other users")
def test_a_passphrase_that_others_can_read(sealed: tuple[Person, str]) -> None:
    """The command for the permissions of the file is right."""
    me, key = sealed
    me.stops()
    (me.home / "secret").chmod(0o644)
    does_mode(me, fails(me, f"qabel-rest --key {key}"))
    me.starts(options=("--key", key))


def does_mode(who: Person, said: Said) -> None:
    """Do what is said of permissions."""
    [command] = re.findall(r"`(chmod [^`]*)`", said.text)
    assert who.types(command).status == 0


@shows("keys/key_file.py: The X X is accessible to other users (mode X). Run `chmod 600 X`")
def test_a_key_that_others_can_read(person: Come) -> None:
    """The command for the permissions of the key is right."""
    me = person()
    me.starts()
    key = me.directory / "database-key"
    me.stops()
    key.chmod(0o640)
    does_mode(me, fails(me, "qabel-rest"))
    me.starts()


@shows("keys/passphrase.py: The database key is under no passphrase, but in X. Leave --key out")
def test_a_passphrase_that_is_not_needed(person: Come) -> None:
    """Who gives a passphrase where there is none can leave it out, or put the key under it."""
    me = person()
    me.starts()
    me.stops()
    passphrase(me, "secret", "correct horse")
    said = fails(me, "qabel-rest --key passphrase-file:secret")
    hint = said.hint("qabel", "key", "change")
    me.follows(hint, KEY="passphrase-file:secret")
    me.starts(options=("--key", "passphrase-file:secret"))


@shows(
    "keys/key_file.py: X has the key sealed under a passphrase. Put it into the data directory",
    "keys/key_file.py: The X is missing: there is no file X.",
)
def test_a_key_in_the_wrong_place(sealed: tuple[Person, str]) -> None:
    """A sealed key that is given as a plain one belongs elsewhere, and works there."""
    me, key = sealed
    path = me.directory / "database-key.sealed"
    me.stops()
    copy = path.rename(me.home / "copy")
    said = fails(me, "qabel-rest")
    assert "Restore it from a backup" in said.text
    said = fails(me, "qabel-rest --key file:copy")
    assert "as database-key.sealed" in said.text
    copy.rename(path)
    me.starts(options=("--key", key))


@shows(
    "offline/carried_key.py: The key beside the backup is sealed under a passphrase.",
    "offline/restoring.py: The key of X is missing:",
)
def test_a_backup_under_a_passphrase(sealed: tuple[Person, str]) -> None:
    """A backup with its sealed key is restored by the passphrase, in each way that is named."""
    me, _ = sealed
    assert me.runs("backup", "copy.db", "--with-key").status == 0
    me.stops()
    [copy] = me.home.rglob("copy.db")
    said = me.types(f"qabel restore {copy} --data-dir new")
    assert said.status == 1
    assert "--key passphrase-fd:0" in said.text
    line = f"qabel restore {copy} --data-dir new --key passphrase-fd:0"
    said = me.types(line, "correct horse\n", PROMPT)
    assert said.status == 0, said.text
    hint = said.hint("qabel-rest")
    assert hint.words[-2:] == ("--key", "passphrase-fd:0")
    # Nobody is at the terminal of a daemon that a test starts.
    new = Person(me.home, hint.words[:-2])
    new.starts(options=("--key", "passphrase-file:secret"))
    new.leaves()
    key = copy.with_name("copy.db.key").rename(me.home / "the key")
    said = me.types(f"qabel restore {copy} --data-dir third")
    assert f"there is no {copy.name}.key beside it" in said.text
    key.rename(copy.with_name("copy.db.key"))
    assert me.types(line.replace("new", "third"), "correct horse\n", PROMPT).status == 0


@shows("keys/keyring.py: The desktop keyring has no key for X. Use --key if the key is stored")
def test_a_keyring_without_the_key(person: Come) -> None:
    """Who takes the key to be in the keyring is told; without the option, the daemon starts."""
    me = person()
    me.environment = {
        "PYTHON_KEYRING_BACKEND": "tests.integration.file_keyring.FileKeyring",
        "TEST_KEYRING": str(me.home / "keyring"),
    }
    me.starts()
    me.stops()
    fails(me, "qabel-rest --key keyring")
    me.starts(options=("--key", "file"))
