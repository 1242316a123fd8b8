"""The daemon as one service, in this process: how it starts, what it serves, how it stops."""

import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from attrs import define, field
from twisted.internet import reactor
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.endpoints import (
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    UNIXClientEndpoint,
    connectProtocol,
)
from twisted.internet.protocol import Factory
from twisted.internet.task import deferLater

from qabel import daemon as daemon_module
from qabel.core.options import CoreOptions
from qabel.daemon import DROPS, Daemon, DaemonConfig, default_listen
from qabel.host.data_directory import DirectoryLock
from qabel.host.endpoints import parse_endpoint
from qabel.host.start_errors import StartError
from qabel.store.file_names import BACKUPS, DATABASE, TOKEN
from qabel.store.key_record import GivenKey, KeyRecord
from tests.conftest import LoggedFailures
from tests.rest.wire import Wire

ANY_PORT = parse_endpoint("tcp:0:interface=127.0.0.1")

MakeDaemon = Callable[..., Daemon]


@pytest_twisted.async_yield_fixture
async def make_daemon(tmp_path: Path) -> AsyncIterator[MakeDaemon]:
    """Return a function that makes a daemon; those that run at the end are stopped."""
    made: list[Daemon] = []

    def make(*, embedded: bool = True, **config: Any) -> Daemon:
        given = {
            "data_directory": tmp_path / "data",
            "key": GivenKey(bytes(32)),
            "listen": [ANY_PORT],
            "core": CoreOptions(push=False),
            **config,
        }
        daemon = Daemon(DaemonConfig(**given), reactor=reactor, embedded=embedded)
        made.append(daemon)
        return daemon

    yield make
    for each in made:
        await each.stopService()


@define(eq=False)
class Slow:
    """An endpoint that takes forever to open."""

    asked: "Deferred[None]" = field(factory=Deferred)
    cancelled: bool = False

    def listen(self, _: Factory) -> "Deferred[Any]":
        """Begin to listen, without an end."""
        reactor.callLater(0, self.asked.callback, None)  # type: ignore[attr-defined]
        return Deferred(self._cancel)

    def _cancel(self, _: object) -> None:
        self.cancelled = True


async def start(daemon: Daemon) -> Daemon:
    """Start a daemon, and wait until it is ready."""
    daemon.startService()
    await daemon.ready
    return daemon


async def ask(endpoint: Any, token: str = "") -> int:
    """Send a request to the API, and return the status of the answer."""
    wire = await connectProtocol(endpoint, Wire())
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    wire.send(f"GET /settings HTTP/1.1\r\nHost: localhost\r\n{authorization}\r\n".encode())
    status: int = (await wire.answer()).status
    wire.close()
    await wire.closed()
    return status


def tcp_of(daemon: Daemon) -> TCP4ClientEndpoint:
    """Return where a daemon listens."""
    [address] = daemon.addresses
    return TCP4ClientEndpoint(reactor, "127.0.0.1", address.port)  # type: ignore[attr-defined]


def is_free(directory: Path) -> bool:
    """Return whether a daemon can use a directory."""
    try:
        with DirectoryLock(directory):
            return not list(directory.glob("*-wal"))
    except StartError:
        return False


@pytest_twisted.ensureDeferred
async def test_the_core_is_there_once_it_is_ready(make_daemon: MakeDaemon) -> None:
    """Before the daemon listens on all endpoints, its core cannot be used."""
    slow = Slow()
    daemon = make_daemon(listen=[slow])
    with pytest.raises(RuntimeError):
        _ = daemon.core
    daemon.startService()
    with pytest.raises(RuntimeError):
        _ = daemon.core
    await slow.asked
    waiting = daemon.ready
    assert not waiting.called
    with pytest.raises(RuntimeError):
        _ = daemon.core
    await daemon.stopService()
    with pytest.raises(StartError, match="stopped"):
        await waiting
    other = await start(make_daemon())
    assert (await other.core.status()).status == "running"


@pytest_twisted.ensureDeferred
async def test_the_api(make_daemon: MakeDaemon) -> None:
    """The API is served over TCP, which needs the token, and over the socket, which does not."""
    daemon = await start(make_daemon())
    token = (daemon.socket.parent / TOKEN).read_text().strip()
    assert [await ask(tcp_of(daemon)), await ask(tcp_of(daemon), token)] == [401, 200]
    assert await ask(UNIXClientEndpoint(reactor, str(daemon.socket))) == 200
    assert stat.filemode(daemon.socket.stat().st_mode) == "srw-------"


@pytest_twisted.ensureDeferred
async def test_no_tcp(make_daemon: MakeDaemon) -> None:
    """With no endpoint there is only the socket."""
    daemon = await start(make_daemon(listen=[]))
    assert daemon.addresses == []
    assert await ask(UNIXClientEndpoint(reactor, str(daemon.socket))) == 200


def test_default_endpoints() -> None:
    """By default nobody on another host can connect."""
    assert default_listen()
    assert not any(each.reachable for each in default_listen())


@pytest_twisted.ensureDeferred
async def test_a_drop_server_beside_it(make_daemon: MakeDaemon) -> None:
    """A drop server beside the daemon is configured, unless the user has another one."""
    daemon = await start(make_daemon(drop_server=ANY_PORT))
    [server] = daemon.core.synced.value.drop_servers
    assert server.active
    assert await ask_drop(server.url) == 204
    assert (daemon.socket.parent / DROPS).is_dir()
    mine = [{"url": "http://drop.example", "auth": "", "active": True}]
    await daemon.core.synced.set("drop_servers", mine)
    await daemon.stopService()
    again = await start(make_daemon(drop_server=ANY_PORT))
    assert [each.url for each in again.core.synced.value.drop_servers] == ["http://drop.example"]


async def ask_drop(url: str) -> int:
    """Ask for a drop without messages, and return the status."""
    port = int(url.rpartition(":")[2])
    wire = await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", port), Wire())
    wire.send(f"GET /{'n' * 43} HTTP/1.0\r\n\r\n".encode())
    line = await wire.until(b"\r\n")
    wire.close()
    await wire.closed()
    return int(line.split()[1])


@pytest_twisted.ensureDeferred
async def test_stopping(make_daemon: MakeDaemon) -> None:
    """Once it has stopped, nothing is open, and the directory can be used again."""
    daemon = await start(make_daemon())
    endpoint = tcp_of(daemon)
    assert not is_free(daemon.socket.parent)
    await daemon.stopService()
    assert is_free(daemon.socket.parent)
    assert not daemon.socket.exists()
    with pytest.raises(Exception, match="refused"):
        await connectProtocol(endpoint, Wire())
    again = await start(make_daemon())
    assert (await again.core.status()).status == "running"


@pytest_twisted.ensureDeferred
async def test_stopping_ends_requests(make_daemon: MakeDaemon) -> None:
    """A reader that waits for messages does not keep the daemon from stopping."""
    daemon = await start(make_daemon())
    wire = await connectProtocol(UNIXClientEndpoint(reactor, str(daemon.socket)), Wire())
    wire.send(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await wire.until(b"id: ")
    await daemon.stopService()
    await wire.closed()
    assert is_free(daemon.socket.parent)


@pytest.mark.parametrize("turns", [0, 1, 5])
@pytest_twisted.ensureDeferred
async def test_stopping_while_the_database_opens(make_daemon: MakeDaemon, turns: int) -> None:
    """A daemon that is stopped while it opens its database waits for that, and closes it."""
    daemon = make_daemon()
    daemon.startService()
    for _ in range(turns):
        await deferLater(reactor, 0)  # type: ignore[arg-type]
    await daemon.stopService()
    with pytest.raises(StartError, match="stopped"):
        await daemon.ready
    assert is_free(daemon.socket.parent)
    assert not daemon.socket.exists()
    again = await start(make_daemon())
    assert (await again.core.status()).status == "running"


@pytest_twisted.ensureDeferred
async def test_stopping_before_it_listens(make_daemon: MakeDaemon) -> None:
    """A daemon that is stopped before it listens gives up its endpoints, and closes everything."""
    slow = Slow()
    daemon = make_daemon(listen=[slow])
    daemon.startService()
    await slow.asked
    assert daemon.socket.exists()
    await daemon.stopService()
    with pytest.raises(StartError, match="stopped"):
        await daemon.ready
    assert slow.cancelled
    assert is_free(daemon.socket.parent)
    assert not daemon.socket.exists()


@pytest_twisted.ensureDeferred
async def test_stopping_what_never_started(make_daemon: MakeDaemon, tmp_path: Path) -> None:
    """A daemon that was not started can be stopped, twice, and makes nothing."""
    daemon = make_daemon()
    await daemon.stopService()
    await daemon.stopService()
    assert not (tmp_path / "data").exists()


async def failed_start(daemon: Daemon) -> StartError:
    """Start a daemon that cannot start, and return why not."""
    daemon.startService()
    with pytest.raises(StartError) as caught:
        await daemon.ready
    await daemon.stopService()
    assert is_free(daemon.socket.parent)
    return caught.value


@pytest_twisted.ensureDeferred
async def test_another_key(make_daemon: MakeDaemon) -> None:
    """A key that does not open the database is a start error, and the right one still does."""
    await (await start(make_daemon())).stopService()
    wrong = bytes(range(32))
    error = await failed_start(make_daemon(key=GivenKey(wrong)))
    assert wrong.hex() not in str(error)
    await start(make_daemon())


@pytest.mark.parametrize("option", ["listen", "drop_server"])
@pytest_twisted.ensureDeferred
async def test_a_port_in_use(make_daemon: MakeDaemon, option: str) -> None:
    """A port in use, for the API or for the drop server, is a start error that names it."""
    taken = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(Factory())
    busy = parse_endpoint(f"tcp:{taken.getHost().port}:interface=127.0.0.1")
    error = await failed_start(make_daemon(**{option: [busy] if option == "listen" else busy}))
    assert str(taken.getHost().port) in str(error)
    await maybeDeferred(taken.stopListening)
    await start(make_daemon())


@pytest_twisted.ensureDeferred
async def test_a_directory_in_use(make_daemon: MakeDaemon) -> None:
    """A second daemon in the same directory is rejected at once, and the first goes on."""
    first = await start(make_daemon())
    second = make_daemon()
    with pytest.raises(StartError):
        second.startService()
    await second.stopService()
    assert not is_free(first.socket.parent)
    assert await ask(UNIXClientEndpoint(reactor, str(first.socket))) == 200


class BrokenKey:
    """A source of the key with a bug."""

    place = "nowhere"

    def read(self) -> KeyRecord:
        """Fail."""
        raise ZeroDivisionError

    make = read


@pytest_twisted.ensureDeferred
async def test_an_unexpected_error(make_daemon: MakeDaemon) -> None:
    """Embedded, an unexpected error is passed on as it is."""
    daemon = make_daemon(key=BrokenKey())
    daemon.startService()
    with pytest.raises(ZeroDivisionError):
        await daemon.ready
    await daemon.stopService()
    assert is_free(daemon.socket.parent)


@pytest.mark.parametrize(("key", "logged"), [(GivenKey(bytes(range(32))), 0), (BrokenKey(), 1)])
@pytest_twisted.ensureDeferred
async def test_a_process_of_its_own(
    make_daemon: MakeDaemon,
    monkeypatch: pytest.MonkeyPatch,
    logged_failures: LoggedFailures,
    key: Any,
    logged: int,
) -> None:
    """Not embedded, a failed start ends the process with a line; the log has what is unexpected."""
    await (await start(make_daemon())).stopService()
    ended: Deferred[str] = Deferred()
    monkeypatch.setattr(daemon_module, "fail_start", lambda line, _: ended.callback(line))
    daemon = make_daemon(key=key, embedded=False)
    daemon.startService()
    line = await ended
    assert line.startswith("qabel-rest: ")
    assert "\n" not in line
    assert len(logged_failures.flush()) == logged
    await daemon.stopService()
    assert is_free(daemon.socket.parent)


@pytest_twisted.ensureDeferred
async def test_private_files(make_daemon: MakeDaemon) -> None:
    """What others could read, as after a copy, is closed to them before it is used."""
    daemon = await start(make_daemon())
    directory = daemon.socket.parent
    await daemon.core.backup("old")
    await daemon.stopService()
    private = [directory / DATABASE, directory / BACKUPS, directory / BACKUPS / "old"]
    for each in private:
        each.chmod(each.stat().st_mode | 0o055)
    make_daemon().startService()
    assert [each.stat().st_mode & 0o077 for each in private] == [0, 0, 0]


@pytest.mark.parametrize(("token_mode", "mode"), [(0o600, 0o700), (0o640, 0o710)])
@pytest_twisted.ensureDeferred
async def test_the_mode_of_the_directory(
    make_daemon: MakeDaemon, token_mode: int, mode: int
) -> None:
    """The group can enter the directory only if it may read the token."""
    daemon = await start(make_daemon(core=CoreOptions(push=False, token_mode=token_mode)))
    directory = daemon.socket.parent
    modes = [stat.S_IMODE(each.stat().st_mode) for each in (directory, directory / TOKEN)]
    assert modes == [mode, token_mode]
