"""``qabel-drop restore``: a backup becomes a server's file again, and replaces none."""

from pathlib import Path

import pytest

from qabel.dropserver.restore_command import parser
from tests.dropserver.small_disk import damage_page
from tests.dropserver.test_check_command import drop_command
from tests.integration.test_dropserver import drop_server, get, post


def restore(data: Path, backup: Path) -> tuple[int, str]:
    """Run the command; return its status, and what it says."""
    done = drop_command("restore", f"--data-dir={data}", str(backup))
    assert not (done.stdout and done.stderr)
    assert done.stderr.count("\n") <= 1
    return done.returncode, done.stdout or done.stderr


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """Return a backup with a message of a server that has another one, and was killed."""
    path = tmp_path / "backup.sqlite"
    with drop_server(tmp_path) as server:
        port = server.port("qabel-drop")
        assert post(port, b"1" + bytes(2000)) == 200
        assert drop_command("backup", f"--data-dir={tmp_path / 'data'}", str(path)).returncode == 0
        assert post(port, b"2") == 200
        status, said = restore(tmp_path / "data", path)
        assert (status, "is in use by another process" in said) == (1, True)
        server.kill()
    return path


def test_a_new_directory(tmp_path: Path, backup: Path) -> None:
    """A server that starts there has the messages of the backup, and goes on from them."""
    status, said = restore(tmp_path / "new", backup)
    assert (status, said) == (
        0,
        f"Restored {tmp_path / 'new' / 'drops.sqlite'}: 1 message in 1 drop.\n",
    )
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    with drop_server(tmp_path, data="new") as server:
        port = server.port("qabel-drop")
        found, latest = get(port)
        assert [each[:1] for each in found] == [b"1"]
        assert post(port, b"3") == 200
        assert get(port, latest)[0] == [b"3"]


def test_readers_go_on(tmp_path: Path, backup: Path) -> None:
    """Who has seen what the backup lacks misses nothing that is posted later."""
    with drop_server(tmp_path) as server:
        _, latest = get(server.port("qabel-drop"))
        server.stop()
    assert restore(tmp_path / "new", backup)[0] == 0
    with drop_server(tmp_path, data="new") as server:
        port = server.port("qabel-drop")
        assert len(get(port, latest)[0]) == 1
        assert post(port, b"3") == 200
        assert get(port, latest)[0] == [b"3"]


def test_nothing_is_replaced(tmp_path: Path, backup: Path) -> None:
    """Neither a message file, nor the log of one that is gone, which would damage the new one."""
    data = tmp_path / "data"
    assert (data / "drops.sqlite-wal").exists()
    for name in ("drops.sqlite", "drops.sqlite-wal", "drops.sqlite-shm"):
        before = (data / name).read_bytes()
        status, said = restore(data, backup)
        assert status == 1
        assert said == (
            f"qabel-drop restore: {data / name} exists; move all of {data / 'drops.sqlite'}* to "
            "another directory first\n"
        )
        assert (data / name).read_bytes() == before
        (data / name).unlink()
    assert restore(data, backup)[0] == 0
    with drop_server(tmp_path) as server:
        assert len(get(server.port("qabel-drop"))[0]) == 1


def test_what_is_no_backup(tmp_path: Path, backup: Path) -> None:
    """It is checked before anything is made."""
    damage_page(backup, b"1" + bytes(9))
    for path, reason in ((backup, "backup.sqlite "), (tmp_path / "x", "there is no file")):
        status, said = restore(tmp_path / "new", path)
        assert (status, reason in said) == (1, True)
    assert not (tmp_path / "new").exists()


def test_its_parser() -> None:
    """It needs to know of which backup."""
    with pytest.raises(SystemExit):
        parser().parse_args([])
