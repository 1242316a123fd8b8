"""Private files: nobody else reads them, and a write is whole or not there."""

import os
import stat
from pathlib import Path

import pytest

from qabel.host.private_files import (
    ForeignOwner,
    OpenToOthers,
    TooLong,
    create_directory,
    create_private,
    publish_durably,
    read_private,
    remove_private,
    replace_durably,
    write_private,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a file that is not there yet."""
    return tmp_path / "secret"


def names(path: Path) -> list[str]:
    """Return what is in the directory of a file."""
    return sorted(each.name for each in path.parent.iterdir())


def test_round_trip(path: Path) -> None:
    """What was written last is read, by its owner alone, and nothing else is left."""
    write_private(path, b"one")
    write_private(path, b"two")
    assert read_private(path, limit=3) == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert names(path) == ["secret"]


def test_mode_of_a_group(path: Path) -> None:
    """The mode that is asked for is set whatever the umask is, and is allowed when reading."""
    before = os.umask(0o077)
    try:
        write_private(path, b"one", mode=0o640)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert read_private(path, limit=3, forbidden=0o027) == b"one"
    with pytest.raises(OpenToOthers) as raised:
        read_private(path, limit=3)
    assert raised.value.mode == 0o640


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o601])
def test_open_to_others(path: Path, mode: int) -> None:
    """A file that lets others in is not read."""
    write_private(path, b"one")
    path.chmod(mode)
    with pytest.raises(OpenToOthers):
        read_private(path, limit=3)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_foreign_owner(path: Path) -> None:
    """A file of another user is not read."""
    write_private(path, b"one")
    os.chown(path, 12345, -1)
    with pytest.raises(ForeignOwner):
        read_private(path, limit=3)


def test_too_long(path: Path) -> None:
    """A file that is longer than it may be is not read."""
    write_private(path, b"four")
    with pytest.raises(TooLong):
        read_private(path, limit=3)


def test_missing(path: Path) -> None:
    """A file, or its directory, that is missing is what the system says."""
    with pytest.raises(FileNotFoundError):
        read_private(path, limit=3)
    with pytest.raises(FileNotFoundError):
        write_private(path / "deeper", b"one")


def test_interrupted_write(path: Path) -> None:
    """What an interrupted write left is in nobody's way, and goes with the file."""
    write_private(path, b"one")
    path.with_name("secret.new").write_bytes(b"half")
    assert read_private(path, limit=3) == b"one"
    write_private(path, b"two")
    assert names(path) == ["secret"]
    path.with_name("secret.new").write_bytes(b"half")
    remove_private(path)
    assert names(path) == []
    remove_private(path)


def test_failed_write_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fails before the new content is safe leaves the old content."""
    write_private(path, b"one")

    def fail(_: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="Input/output"):
            write_private(path, b"two")
    assert read_private(path, limit=3) == b"one"


def test_content_and_name_are_durable(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The content is on the disk before it has its name, and the name before that is told."""
    events: list[str] = []
    sync, replace = os.fsync, Path.replace

    def note_sync(descriptor: int) -> None:
        is_directory = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        events.append("directory" if is_directory else "file")
        sync(descriptor)

    def note_replace(self: Path, target: Path) -> Path:
        events.append("rename")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(Path, "replace", note_replace)
    write_private(path, b"one")
    assert events == ["file", "rename", "directory"]


def test_create_and_replace(path: Path) -> None:
    """A file is created once, empty and private, and takes another name in place of its holder."""
    create_private(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        create_private(path)
    other = path.with_name("other")
    other.write_bytes(b"other")
    replace_durably(other, path)
    assert path.read_bytes() == b"other"
    assert names(path) == ["secret"]


def _refuse(*_: object, **__: object) -> None:
    raise PermissionError(1, "Operation not permitted")


@pytest.mark.parametrize("has_links", [True, False])
def test_a_complete_file_gets_its_name(
    path: Path, has_links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file takes a name that is free, and none that is taken, also without hard links."""
    if not has_links:
        monkeypatch.setattr(os, "link", _refuse)
    for content in (b"first", b"second"):
        unfinished = path.with_name(".unfinished")
        unfinished.write_bytes(content)
        if content == b"first":
            publish_durably(unfinished, path)
        else:
            with pytest.raises(FileExistsError):
                publish_durably(unfinished, path)
    assert path.read_bytes() == b"first"
    assert sorted(names(path)) == [".unfinished", "secret"]


def test_a_directory_is_durable(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new directory is private and on the disk; one that exists is left alone."""
    synced: list[int] = []
    sync = os.fsync

    def note(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    create_directory(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert synced == [path.parent.stat().st_ino]
    create_directory(path)
    assert len(synced) == 1
    (path / "file").touch()
    with pytest.raises(FileExistsError):
        create_directory(path / "file")
