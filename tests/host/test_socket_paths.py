"""Sockets whose paths are longer than an address: they are bound and found by a short name."""

import os
import socket
from pathlib import Path

import pytest

from qabel.host import socket_paths
from qabel.host.socket_paths import LONGEST, PathTooLong, address_of, check_socket_path

NAME = "rest.sock"


def directory_of(root: Path, size: int, letter: str = "x") -> Path:
    """Make a directory in which the path of the socket has so many bytes."""
    path = root
    while (missing := size - len(os.fsencode(path / NAME))) > 0:
        step = min(missing, 200)
        step = missing if missing - step < 2 and missing <= 250 else step
        width = len(letter.encode())
        filled = letter * ((step - 1) // width) + "y" * ((step - 1) % width)
        path /= filled
    path.mkdir(parents=True)
    assert len(os.fsencode(path / NAME)) == size
    return path


@pytest.mark.parametrize("letter", ["x", "ü", " ", "%", ":"])
@pytest.mark.parametrize("size", [LONGEST, LONGEST + 1, 200, 1000])
def test_paths_of_any_length(tmp_path: Path, size: int, letter: str) -> None:
    """A socket can be bound and connected to, and its file is where the path says."""
    path = directory_of(tmp_path, size, letter) / NAME
    check_socket_path(path)
    descriptors = len(os.listdir("/proc/self/fd"))
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        with address_of(path) as address:
            server.bind(address)
            server.listen()
        assert path.is_socket()
        with address_of(path) as address:
            client.connect(address)
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_a_short_path_is_its_own_address(tmp_path: Path) -> None:
    """The path is used as it is, as long as it fits: others see it in their lists of sockets."""
    with address_of(tmp_path / NAME) as address:
        assert address == str(tmp_path / NAME)


def test_a_directory_that_may_be_entered_only(tmp_path: Path) -> None:
    """A socket is found in a directory that one cannot list, as a service's is for its group."""
    path = directory_of(tmp_path, 200) / NAME
    path.parent.chmod(0o100)
    try:
        with socket.socket(socket.AF_UNIX) as client, address_of(path) as address:
            assert client.connect_ex(address) == 2
    finally:
        path.parent.chmod(0o700)


def test_a_file_name_that_is_too_long(tmp_path: Path) -> None:
    """No short name helps; the error names the path and how much is possible."""
    path = tmp_path / ("x" * 90)
    with pytest.raises(PathTooLong) as caught:
        check_socket_path(path)
    assert str(path) in str(caught.value.strerror)
    assert "has 90 bytes; at most" in str(caught.value.strerror)
    fits = tmp_path / ("x" * int(str(caught.value.strerror).split()[-3]))
    check_socket_path(fits)


def test_a_system_without_short_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There, a long path is rejected with its length and the limit."""
    monkeypatch.setattr(socket_paths, "DESCRIPTORS", tmp_path / "none")
    path = directory_of(tmp_path, LONGEST + 1) / NAME
    with pytest.raises(PathTooLong, match=f"has {LONGEST + 1} bytes; at most {LONGEST} are"):
        check_socket_path(path)
    with pytest.raises(PathTooLong), address_of(path):
        pass
