"""Places that followers keep."""

import stat
from pathlib import Path

import pytest

from qabel.cli.errors import CommandError, ExitStatus
from qabel.cli.kept_cursors import KeptPlace


def test_place_is_kept(tmp_path: Path) -> None:
    """What was written is there the next time, for this daemon and this name alone."""
    kept = KeptPlace.open(tmp_path, "/a/rest.sock", "bot")
    assert kept.read() is None
    kept.write("db.17")
    kept.close()
    again = KeptPlace.open(tmp_path, "/a/rest.sock", "bot")
    assert again.read() == "db.17"
    again.close()
    for target, name in (("/b/rest.sock", "bot"), ("/a/rest.sock", "other")):
        other = KeptPlace.open(tmp_path, target, name)
        assert other.read() is None
        other.close()


def test_only_one_at_a_time(tmp_path: Path) -> None:
    """Two followers with one name would each lose what the other has seen."""
    kept = KeptPlace.open(tmp_path, "here", "bot")
    with pytest.raises(CommandError, match="another"):
        KeptPlace.open(tmp_path, "here", "bot")
    kept.close()
    KeptPlace.open(tmp_path, "here", "bot").close()


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "x" * 65, "ü", "a\n"])
def test_names_are_names_of_files(tmp_path: Path, name: str) -> None:
    """A name cannot lead out of the directory."""
    with pytest.raises(CommandError) as caught:
        KeptPlace.open(tmp_path, "here", name)
    assert caught.value.exit_status == ExitStatus.USAGE


def test_lost_place_is_no_silent_gap(tmp_path: Path) -> None:
    """A file that a crash of the machine has emptied is an error, not a new beginning."""
    kept = KeptPlace.open(tmp_path, "here", "bot")
    kept.path.write_text("")
    with pytest.raises(CommandError) as caught:
        kept.read()
    assert "--since 0" in caught.value.hint
    kept.close()


def test_others_cannot_read_it(tmp_path: Path) -> None:
    """Only the user can enter the directory."""
    kept = KeptPlace.open(tmp_path, "here", "bot")
    assert stat.S_IMODE(kept.path.parent.stat().st_mode) == 0o700
    kept.close()
