"""Files that the command reads and writes."""

import os
import stat
from pathlib import Path

import pytest

from qabel.cli.errors import CommandError, ExitStatus
from qabel.cli.files import MAX_FILE, parse_word, read_input, read_text, write_file, write_output


def failed(name: str) -> CommandError:
    """Return the error from reading a file."""
    with pytest.raises(CommandError) as caught:
        read_text(name)
    return caught.value


def test_read(tmp_path: Path) -> None:
    """A file is read whole; as text it loses the line break at its end."""
    file = tmp_path / "file"
    file.write_bytes("Zoë\r\n".encode())
    assert read_input(str(file)) == "Zoë\r\n".encode()
    assert read_text(str(file)) == "Zoë"


def test_what_cannot_be_read(tmp_path: Path) -> None:
    """A missing file, a directory, a file that is too large and one in no UTF-8 are errors."""
    assert failed(str(tmp_path / "none")).exit_status == ExitStatus.NOT_FOUND
    assert failed(str(tmp_path)).exit_status == ExitStatus.USAGE
    large, binary = tmp_path / "large", tmp_path / "binary"
    large.write_bytes(bytes(MAX_FILE + 1))
    binary.write_bytes(b"\xff")
    assert "larger than" in failed(str(large)).message
    assert "not UTF-8" in failed(str(binary)).message


def test_an_existing_file_stays(tmp_path: Path) -> None:
    """A file is overwritten on request only, and nothing else is left in its directory."""
    file = tmp_path / "file"
    write_output(str(file), b"one")
    with pytest.raises(CommandError, match="already exists"):
        write_output(str(file), b"two")
    assert file.read_bytes() == b"one"
    write_output(str(file), b"two", force=True)
    assert file.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [file]


def test_secrets_are_for_their_owner(tmp_path: Path) -> None:
    """Other users cannot read a secret, not even if a crash has left half of one behind."""
    file = tmp_path / "secret"
    (tmp_path / f".secret.{os.getpid()}.new").touch(0o644)
    write_output(str(file), b"one", secret=True)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    write_file(file, b"two")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_cannot_be_written(tmp_path: Path) -> None:
    """No name, and a directory that does not exist, are errors."""
    for name in ("", str(tmp_path / "none" / "file")):
        with pytest.raises(CommandError) as caught:
            write_output(name, b"")
        assert caught.value.exit_status == ExitStatus.USAGE


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("a.1\n", "a.1"),
        ("", ""),
        ("a b", ""),
        ("a\nb", ""),
        ("ü", ""),
        ("\ufeffa.1\r\n", "a.1"),
        ('"a.1"', "a.1"),
        ("\u00a0Bearer  a.1", "a.1"),
        ("authorization: bearer a.1", "a.1"),
    ],
)
def test_words(text: str, word: str) -> None:
    """A token or cursor is one word of printable ASCII."""
    assert parse_word(text) == word
