"""The choices of ``--key``, and the ways by which a passphrase is passed."""

import os
import pty
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.host.start_errors import StartError
from qabel.keys.choice import key_source
from qabel.keys.key_file import KeyFile
from qabel.keys.keyring import DesktopKeyring
from qabel.keys.passphrase import Passphrase

SECRET = b"correct horse battery"


def passphrase(choice: str, directory: Path) -> bytes:
    """Return the passphrase that was read."""
    source = key_source(choice, directory)
    assert isinstance(source, Passphrase)
    assert source.path == directory / "database-key.sealed"
    return source._passphrase


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file with a passphrase that only its owner may read."""
    path = tmp_path / "passphrase"
    path.touch(0o600)
    path.write_bytes(SECRET + b"\n")
    return path


def test_a_key_file(tmp_path: Path) -> None:
    """The key file is in the data directory, or at the given path, made absolute."""
    default, other = key_source("file", tmp_path), key_source("file:~/key", tmp_path)
    assert isinstance(default, KeyFile)
    assert default.path == tmp_path / "database-key"
    assert isinstance(other, KeyFile)
    assert other.path == Path.home() / "key"


def test_the_keyring(tmp_path: Path) -> None:
    """Choosing the keyring does not access it yet."""
    assert isinstance(key_source("keyring", tmp_path), DesktopKeyring)


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_passphrase_in_a_file(tmp_path: Path, file: Path, end: bytes) -> None:
    """The passphrase is the only line of the file, without its line end."""
    file.write_bytes(SECRET + end)
    assert passphrase(f"passphrase-file:{file}", tmp_path) == SECRET


@pytest.mark.parametrize("text", [b"", b"\n", b"\r\n", b"one\ntwo\n", b"x" * 5000])
def test_no_passphrase_in_a_file(tmp_path: Path, file: Path, text: bytes) -> None:
    """A file that is empty, too long, or has several lines is rejected."""
    file.write_bytes(text)
    with pytest.raises(StartError, match=r"(invalid|empty) passphrase"):
        key_source(f"passphrase-file:{file}", tmp_path)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_passphrase_that_others_may_read(tmp_path: Path, file: Path, mode: int) -> None:
    """A passphrase file that others may read is rejected."""
    file.chmod(mode)
    with pytest.raises(StartError, match="chmod 600"):
        key_source(f"passphrase-file:{file}", tmp_path)


def test_a_missing_file(tmp_path: Path) -> None:
    """The error for a missing passphrase file says that it is missing."""
    with pytest.raises(StartError, match="No such file"):
        key_source(f"passphrase-file:{tmp_path / 'none'}", tmp_path)


def test_passphrases_from_a_descriptor(tmp_path: Path) -> None:
    """Each passphrase is one line of the descriptor; the last one may lack its line end."""
    reading, writing = os.pipe()
    os.write(writing, SECRET + b"\nsecond passphrase")
    os.close(writing)
    assert passphrase(f"passphrase-fd:{reading}", tmp_path) == SECRET
    assert passphrase(f"passphrase-fd:{reading}", tmp_path) == b"second passphrase"
    with pytest.raises(StartError, match="empty"):
        key_source(f"passphrase-fd:{reading}", tmp_path)
    os.close(reading)


def test_a_descriptor_that_is_not_open(tmp_path: Path) -> None:
    """The error for a descriptor that is not open says so."""
    with pytest.raises(StartError, match="cannot be read: Bad file descriptor"):
        key_source("passphrase-fd:98765", tmp_path)


TERMINAL = """
import sys
from pathlib import Path
from qabel.keys.choice import key_source
print(key_source("passphrase-fd:0", Path("/"), new=True)._passphrase.decode())
"""


def answer(terminal: int, question: bytes, text: bytes) -> bytes:
    """Wait for a prompt on a terminal, and type a response; return what was shown."""
    shown = b""
    while question not in shown:
        shown += os.read(terminal, 1000)
    os.write(terminal, text + b"\n")
    return shown


@pytest.mark.parametrize("second", [b"typed in here", b"typed in there"])
def test_a_passphrase_from_a_terminal(second: bytes) -> None:
    """A passphrase is prompted for on a terminal, twice if it is new, and never shown."""
    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", TERMINAL],
        stdin=slave,
        stdout=subprocess.PIPE,
        stderr=slave,
        start_new_session=True,
    ) as process:
        try:
            shown = answer(master, b"New passphrase: ", b"typed in here")
            shown += answer(master, b"Repeat the passphrase: ", second)
            assert process.stdout is not None
            out = process.stdout.read()
            shown += os.read(master, 100_000)
        finally:
            process.kill()
    os.close(master)
    os.close(slave)
    if second == b"typed in here":
        assert out == b"typed in here\n"
    else:
        assert b"the passphrases do not match" in shown
    assert b"typed" not in shown.replace(b"New passphrase", b"")


def test_a_credential_of_systemd(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A credential is found by its name, and may show its access list as group permissions."""
    file.chmod(0o440)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert passphrase("credential:passphrase", tmp_path / "data") == SECRET
    file.chmod(0o444)
    with pytest.raises(StartError, match="accessible to other users"):
        key_source("credential:passphrase", tmp_path)
    for name in ("", "..", "a/b", "/etc/passwd"):
        with pytest.raises(StartError, match="invalid credential"):
            key_source(f"credential:{name}", tmp_path)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    with pytest.raises(StartError, match="LoadCredential"):
        key_source("credential:passphrase", tmp_path)


@pytest.mark.parametrize(
    "choice",
    [
        "",
        "hunter2",
        "passphrase:hunter2",
        "passphrase=hunter2",
        "passphrase-fd:hunter2",
        "passphrase-fd:",
        "passphrase-fd:-1",
        "keyring:hunter2",
        "file:",
        "passphrase-file:",
        "File",
    ],
)
def test_other_words_are_rejected(tmp_path: Path, choice: str) -> None:
    """An invalid choice is not quoted, since it may be a passphrase."""
    with pytest.raises(StartError) as caught:
        key_source(choice, tmp_path)
    assert "hunter2" not in str(caught.value)


@given(st.text().filter(lambda text: text.partition(":")[0] not in ("file", "passphrase-file")))
def test_any_text_is_a_choice_or_a_start_error(text: str) -> None:
    """Any text after ``--key`` yields a source or a StartError."""
    directory = Path("/nonexistent")
    try:
        source = key_source(text, directory)
    except StartError:
        return
    assert text == "keyring"
    assert isinstance(source, DesktopKeyring)


def test_choosing_creates_no_file(tmp_path: Path, file: Path) -> None:
    """Choosing a source creates no file: the key is created with the database."""
    for choice in ("file", "keyring", f"passphrase-file:{file}"):
        key_source(choice, tmp_path)
    assert list(tmp_path.iterdir()) == [file]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
