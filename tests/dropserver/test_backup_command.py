"""``qabel-drop backup``: of a server that runs, into files and directories."""

import re
import threading
from pathlib import Path

import pytest

from qabel.dropserver.backup_command import parser
from tests.dropserver.test_check_command import drop_command
from tests.integration.test_dropserver import drop_server, post


def test_a_running_server(tmp_path: Path) -> None:
    """While messages are posted, each copy is whole, and has all that was posted before."""
    with drop_server(tmp_path) as server:
        port = server.port("qabel-drop")
        assert post(port, b"first") == 200
        done = threading.Event()
        posted = []

        def go_on() -> None:
            while not done.is_set():
                assert post(port, bytes(2149)) == 200
                posted.append(1)

        poster = threading.Thread(target=go_on)
        poster.start()
        try:
            for number in range(3):
                before = len(posted)
                target = tmp_path / f"{number}.sqlite"
                made = drop_command("backup", f"--data-dir={tmp_path / 'data'}", str(target))
                assert (made.returncode, made.stderr) == (0, "")
                found = re.match(rf"Wrote {target}: ([\d,]+) messages? in 1 drop, ", made.stdout)
                assert found is not None
                assert before < int(found[1].replace(",", "")) <= len(posted) + 2
                assert target.stat().st_mode & 0o777 == 0o600
        finally:
            done.set()
            poster.join()
        again = drop_command("backup", f"--data-dir={tmp_path / 'data'}", str(target))
        assert again.returncode == 1
        assert again.stderr == f"qabel-drop backup: {target} exists already; choose another name\n"


def test_a_directory(tmp_path: Path) -> None:
    """Copies are named after the time, and the oldest of them are deleted, nothing else."""
    with drop_server(tmp_path) as server:
        assert post(server.port("qabel-drop"), b"x") == 200
        server.stop()
    copies = tmp_path / "copies"
    copies.mkdir()
    names = [f"drops-2026112{day}T030000Z.sqlite" for day in range(5)]
    for name in (*names, "drops-mine.sqlite", "other"):
        (copies / name).write_text("x")
    data = f"--data-dir={tmp_path / 'data'}"
    failed = drop_command("backup", f"--data-dir={copies}", str(copies), "--keep=1")
    assert (failed.returncode, "there is no file" in failed.stderr) == (1, True)
    assert len(list(copies.iterdir())) == 7
    done = drop_command("backup", data, "--keep=3", str(copies))
    assert done.returncode == 0
    assert done.stdout.count("\n") == 4
    assert f"Deleted {copies / names[2]}.\n" in done.stdout
    left = sorted(each.name for each in copies.iterdir())
    assert left[:2] == names[3:]
    assert re.fullmatch(r"drops-\d{8}T\d{6}Z\.sqlite", left[2])
    assert left[3:] == ["drops-mine.sqlite", "other"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "required: FILE"),
        (["/nowhere/x", "--keep=0"], "must be a whole number greater than 0, not '0'"),
        (["/nowhere/x", "--keep=3"], "--keep needs a directory in place of FILE"),
    ],
)
def test_what_is_wrong(arguments: list[str], reason: str) -> None:
    """A usage error says what is meant."""
    done = drop_command("backup", *arguments)
    assert (done.returncode, reason in done.stderr) == (2, True)


def test_its_parser() -> None:
    """Nothing is deleted unless it is said how many are kept."""
    assert parser().parse_args(["x"]).keep is None
