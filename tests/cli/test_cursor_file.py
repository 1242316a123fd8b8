"""Cursors that followers save."""

import stat
from pathlib import Path

import pytest

from qabel.cli.cursor_file import CursorFile
from qabel.cli.errors import CommandError, ExitStatus


def test_a_cursor_is_saved(tmp_path: Path) -> None:
    """A saved cursor is there the next time, for this daemon and this name alone."""
    file = CursorFile.open(tmp_path, "/a/rest.sock", "bot")
    assert file.load() is None
    file.save("db.17")
    file.close()
    again = CursorFile.open(tmp_path, "/a/rest.sock", "bot")
    assert again.load() == "db.17"
    again.close()
    for daemon, name in (("/b/rest.sock", "bot"), ("/a/rest.sock", "other")):
        other = CursorFile.open(tmp_path, daemon, name)
        assert other.load() is None
        other.close()


def test_only_one_at_a_time(tmp_path: Path) -> None:
    """Two followers with one name would each lose what the other has seen."""
    file = CursorFile.open(tmp_path, "here", "bot")
    with pytest.raises(CommandError, match="Another"):
        CursorFile.open(tmp_path, "here", "bot")
    file.close()
    CursorFile.open(tmp_path, "here", "bot").close()


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "x" * 65, "ü", "a\n"])
def test_names_are_names_of_files(tmp_path: Path, name: str) -> None:
    """A name cannot lead out of the directory."""
    with pytest.raises(CommandError) as caught:
        CursorFile.open(tmp_path, "here", name)
    assert caught.value.exit_status == ExitStatus.USAGE


def test_a_lost_cursor_is_no_silent_gap(tmp_path: Path) -> None:
    """A file that a crash of the machine has emptied is an error, not a new start."""
    file = CursorFile.open(tmp_path, "here", "bot")
    file.path.write_text("")
    with pytest.raises(CommandError) as caught:
        file.load()
    assert "--since 0" in caught.value.hint
    file.close()


def test_others_cannot_read_it(tmp_path: Path) -> None:
    """Only the user can enter the directory."""
    file = CursorFile.open(tmp_path, "here", "bot")
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700
    file.close()
