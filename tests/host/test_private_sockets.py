"""Private Unix sockets: their mode, their real path, and that of a dead process is replaced."""

import os
import socket
import stat
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.address import UNIXAddress
from twisted.internet.defer import maybeDeferred
from twisted.internet.protocol import Factory
from twisted.protocols.wire import Echo

from qabel.host.private_sockets import PrivateSocketEndpoint
from qabel.host.socket_paths import address_of
from qabel.host.start_errors import StartError

ECHO = Factory.forProtocol(Echo)


@pytest_twisted.ensureDeferred
async def test_a_socket_with_a_long_path(tmp_path: Path) -> None:
    """It listens at its real path, replaces a stale socket there, and is removed at the end."""
    path = tmp_path / ("ä " * 60) / "rest.sock"
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as dead, address_of(path) as address:
        dead.bind(address)
    endpoint = PrivateSocketEndpoint(reactor, path)
    port = await endpoint.listen(ECHO)
    assert port.getHost() == UNIXAddress(os.fsencode(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(StartError, match="another process is listening there"):
        await endpoint.listen(ECHO)
    with socket.socket(socket.AF_UNIX) as client, address_of(path) as address:
        client.connect(address)
    await maybeDeferred(port.stopListening)
    assert not path.exists()


@pytest_twisted.ensureDeferred
async def test_a_file_that_is_gone(tmp_path: Path) -> None:
    """The port closes all the same, also when its directory is gone."""
    path = tmp_path / "data" / "rest.sock"
    path.parent.mkdir()
    port = await PrivateSocketEndpoint(reactor, path).listen(ECHO)
    path.unlink()
    path.parent.rmdir()
    await maybeDeferred(port.stopListening)


@pytest_twisted.ensureDeferred
async def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    """Listening fails with the system's reason, however long the path is."""
    with pytest.raises(OSError, match="No such file"):
        await PrivateSocketEndpoint(reactor, tmp_path / ("x" * 200) / "rest.sock").listen(ECHO)
