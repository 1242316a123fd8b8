"""Where the bus of the session is."""

import socket
from pathlib import Path

import pytest

from qabel.modules.notify.bus_address import session_bus


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("unix:path=/run/user/1000/bus", "/run/user/1000/bus"),
        ("unix:guid=0a,path=/tmp/a%20b", "/tmp/a b"),  # noqa: S108
        ("tcp:host=127.0.0.1,port=1;unix:abstract=/tmp/dbus-x,guid=0a", "\0/tmp/dbus-x"),
        ("tcp:host=127.0.0.1,port=1", None),
        ("autolaunch:", None),
        ("", None),
    ],
)
def test_addresses(address: str, expected: str | None) -> None:
    """Of the addresses the first that is a Unix socket counts."""
    assert session_bus({"DBUS_SESSION_BUS_ADDRESS": address}) == expected


def test_the_usual_place(tmp_path: Path) -> None:
    """Without an address, the socket is in the directory of the session, if there is one."""
    assert session_bus({"XDG_RUNTIME_DIR": str(tmp_path)}) is None
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "bus"))
        assert session_bus({"XDG_RUNTIME_DIR": str(tmp_path)}) == str(tmp_path / "bus")
    assert session_bus({}) is None
