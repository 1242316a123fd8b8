"""What is distributed: the source distribution, and the wheel made from it, have everything."""

import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.hints.person import Person, open_home
from tests.integration.processes import DEADLINE, ROOT, TWISTD, wait_until
from tests.packaging.conftest import ENVIRONMENT, build_wheel, run

OPTIONS = (
    ("qabel-rest", "--drop-server"),
    ("qabel-drop", "--lifetime"),
    ("qabel-block", "--max-body"),
)
"""An option of each daemon that no other one has."""


def files(folder: str) -> set[str]:
    """Return the names of the files in a folder of the source tree that are to be distributed."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.name != "dropin.cache"
        if not {"_build", "__pycache__", "node_modules"} & set(path.parts)
    }


def sums(wheel: Path) -> dict[str, int]:
    """Return the checksums of the files in a wheel."""
    with zipfile.ZipFile(wheel) as content:
        return {each.filename: each.CRC for each in content.infolist()}


def test_the_source_distribution_has_everything(sdist: Path) -> None:
    """It contains everything that is needed to read, test and build the program."""
    wanted = {"pyproject.toml", "setup.py", "README.rst", "Makefile", "constraints.txt"}
    for folder in ("qabel", "twisted", "tests", "docs", "examples", "packaging", "bench"):
        wanted |= files(folder)
    there = {path.relative_to(sdist).as_posix() for path in sdist.rglob("*")}
    assert wanted - there == set()


def test_the_wheel_has_everything_and_no_more(wheel: Path) -> None:
    """It has the package with its SQL and its type marker, and the plugins without their cache."""
    with zipfile.ZipFile(wheel) as content:
        there = {name for name in content.namelist() if ".dist-info/" not in name}
    assert there == files("qabel") | files("twisted")
    assert "qabel/py.typed" in there
    assert "qabel/store/database/migrations/0001_initial.sql" in there
    assert "twisted/plugins/qabel_rest.py" in there


def test_the_wheel_is_the_same_from_the_tree(wheel: Path, sdist: Path, tmp_path: Path) -> None:
    """A clone and the source distribution have the same program in them."""
    build_wheel(sdist.with_name("tree"), tmp_path)
    [from_tree] = tmp_path.glob("qabel-*.whl")
    assert sums(from_tree) == sums(wheel)


def test_an_installed_daemon_starts(environment: Path, tmp_path: Path) -> None:
    """Installed outside of the source tree, the commands are found, and the daemon starts."""
    place = run(environment, "-c", "import qabel; print(qabel.__file__)", cwd=tmp_path)
    assert Path(place.strip()).is_relative_to(environment.parents[1])
    assert "--data-dir" in run(environment.with_name("qabel"), "--help", cwd=tmp_path)
    twistd = [environment, *TWISTD[1:]]
    for name, option in OPTIONS:
        assert option in run(*twistd, name, "--help", cwd=tmp_path)
        assert option in run(environment.with_name(name), "--help", cwd=tmp_path)
    with (tmp_path / "log").open("wb") as log:
        daemon = subprocess.Popen(
            [environment.with_name("qabel-rest"), "--data-dir=data", "--port=0"],
            cwd=tmp_path,
            env=ENVIRONMENT,
            stdout=log,
            stderr=log,
        )
    try:
        socket = tmp_path / "data" / "rest.sock"
        wait_until(lambda: socket.is_socket() or None, "the daemon")
        said = run(environment.with_name("qabel"), "--data-dir=data", "status", cwd=tmp_path)
        assert "running" in said.lower()
    finally:
        daemon.terminate()
        daemon.wait(DEADLINE)


@pytest.mark.parametrize("is_on_path", [True, False])
def test_hints_of_an_installed_daemon(environment: Path, tmp_path: Path, is_on_path: bool) -> None:
    """Each step says the next, as it has to be typed, whether or not a shell finds the commands."""
    programs = environment.parent
    me = Person(open_home(tmp_path / "me"), is_apart=not is_on_path, programs=programs)
    try:
        said = me.runs("status")
        me.starts(said.hint("qabel-rest"))
        said = me.runs("status")
        assert bool(said.bare) == is_on_path
        dead = "http://127.0.0.1:1"
        for hint in said.hints:
            said = me.follows(hint, URL=dead, ALIAS="Alice")
        me.follows(said.hint("qabel", "identity", "card"), FILE="alice.qco")
        assert (me.home / "alice.qco").exists()
    finally:
        me.leaves()
