"""The arguments of ``make_service``."""

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.testing import MemoryReactorClock

from qabel.embed import StartError, make_service
from qabel.embed.embedded_service import parse_directory, parse_key
from qabel.keys.key_file import KeyFile
from qabel.modules.loading import ModuleChoice, find_modules
from qabel.store.file_names import KEY
from qabel.store.key_record import GivenKey


def test_directories(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The data directory becomes absolute, with the home directory expanded."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert parse_directory("~/a") == parse_directory(Path("a")) == tmp_path / "a"
    with pytest.raises(ValueError, match="data_dir must not be empty"):
        parse_directory("")


def test_keys(tmp_path: Path) -> None:
    """A key is a choice of --key or a source."""
    source = GivenKey(bytes(32))
    assert parse_key(source, tmp_path) is source
    assert parse_key("file", tmp_path) == KeyFile(tmp_path / KEY)


@pytest.mark.parametrize("wrong", [5, bytes(32), BytesIO(bytes(32))])
def test_what_is_not_a_key(tmp_path: Path, wrong: Any) -> None:
    """Neither the bytes of a key nor an open file is a source of keys."""
    with pytest.raises(TypeError, match="key must be one of the choices of --key"):
        parse_key(wrong, tmp_path)


@pytest.mark.parametrize("option", ["listen", "drop_server"])
def test_reachable_endpoints(tmp_path: Path, option: str) -> None:
    """Endpoints that other hosts can reach are rejected, and nothing is created."""
    arguments: Any = {option: "tcp:0:interface=0.0.0.0"}
    with pytest.raises(StartError, match="is reachable from other hosts"):
        make_service(tmp_path / "a", reactor=MemoryReactorClock(), **arguments)
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("listen", [b"tcp:0", [9696]])
def test_endpoints_that_are_no_text(tmp_path: Path, listen: Any) -> None:
    """Endpoints must be descriptions."""
    with pytest.raises(TypeError, match="listen must be endpoint descriptions"):
        make_service(tmp_path / "a", reactor=MemoryReactorClock(), listen=listen)


def test_modules(tmp_path: Path) -> None:
    """Those that are named run, and no others; a name of none is an error of one line."""
    reactor = MemoryReactorClock()
    daemon = make_service(tmp_path, reactor=reactor, modules=["chat"])
    assert [each.name for each in daemon._config.modules] == ["chat"]
    daemon = make_service(tmp_path, reactor=reactor, modules=[])
    assert daemon._config.modules == []
    with pytest.raises(StartError, match=r"There is no module 'chess'\. Installed: .*chat"):
        make_service(tmp_path, reactor=reactor, modules=["chess"])
    with pytest.raises(TypeError, match="modules must be a sequence of names"):
        make_service(tmp_path, reactor=reactor, modules="chat")


def test_modules_by_default(tmp_path: Path) -> None:
    """They are those of the command."""
    daemon = make_service(tmp_path, reactor=MemoryReactorClock())
    assert list(daemon._config.modules) == find_modules(ModuleChoice())
