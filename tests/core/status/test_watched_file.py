"""Files that are to stay as they are: whatever happens to one is noticed, and so is its end."""

from collections.abc import Callable
from pathlib import Path

import pytest

from qabel.core.status.troubles import TroubleKind
from qabel.core.status.watched_file import WatchedFile, remembered


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a file that only its owner can read."""
    made = tmp_path / "database-key"
    made.write_text("the secret content")
    made.chmod(0o600)
    return made


def watched(path: Path) -> WatchedFile:
    """Watch a file."""
    return WatchedFile(TroubleKind.KEY_FILE, path, "The database key", remembered(path))


def remove(path: Path) -> None:
    """Remove the file."""
    path.unlink()


def open_up(path: Path) -> None:
    """Let others read the file."""
    path.chmod(0o644)


def change(path: Path) -> None:
    """Change the content, keeping the size."""
    path.write_text("the SECRET content")


def replace(path: Path) -> None:
    """Put a directory in the place of the file."""
    path.unlink()
    path.mkdir()


def grow(path: Path) -> None:
    """Make the file longer than any key."""
    path.write_bytes(bytes(2**21))


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (remove, "The database key is missing: there is no file {path}."),
        (open_up, "Other users can access {path} (mode 0644)."),
        (change, "The database key in {path} was changed while the daemon was running."),
        (replace, "{path}"),
        (grow, "was changed"),
    ],
)
def test_what_can_happen_to_a_file(path: Path, act: Callable[[Path], None], expected: str) -> None:
    """Each is a trouble that names the file, and is over when the file is as it was."""
    file = watched(path)
    assert file.look() is None
    act(path)
    trouble = file.look()
    assert trouble is not None
    assert expected.format(path=path) in trouble.what
    assert "secret" not in trouble.what.lower()
    assert (trouble.kind, trouble.subject) == (TroubleKind.KEY_FILE, str(path))
    if path.is_dir():
        path.rmdir()
    path.write_text("the secret content")
    path.chmod(0o600)
    assert file.look() is None


def test_a_file_is_read_only_when_it_may_have_changed(path: Path) -> None:
    """Looking again at a file that the system says is the same does not open it."""
    reads = []

    def is_as_it_was(content: bytes) -> bool:
        reads.append(content)
        return True

    file = WatchedFile(TroubleKind.KEY_FILE, path, "The database key", is_as_it_was)
    for _ in range(3):
        assert file.look() is None
    assert len(reads) == 1


def test_a_file_that_comes_later(path: Path) -> None:
    """A file that was not there at first counts as it is when it comes."""
    path.unlink()
    is_as_it_was = remembered(path)
    assert is_as_it_was(b"new")
    assert not is_as_it_was(b"other")
    assert is_as_it_was(b"new")
