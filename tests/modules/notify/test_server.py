"""The server of notices, on a real bus; see also ``test_daemon.py``."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.task import deferLater

from qabel.modules.notify.bus_address import session_bus
from qabel.modules.notify.server import NoticeServer
from qabel.modules.notify.words import Words
from tests.modules.notify.session import NEEDS_DBUS, message_bus_in, notice_server

pytestmark = NEEDS_DBUS

Running = tuple[str, "subprocess.Popen[str]"]


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[Running]:
    """Run a message bus; return its address, and its process."""
    with message_bus_in(tmp_path) as running:
        yield running


@pytest_twisted.ensureDeferred
async def test_notices(bus: Running) -> None:
    """They are shown, replaced and closed; markup is escaped only for those who read it."""
    path = session_bus({"DBUS_SESSION_BUS_ADDRESS": bus[0]})
    assert path is not None
    with notice_server(bus[0]) as desktop:
        desktop.abilities = ["body"]
        server = NoticeServer(reactor, path, lambda _: None)
        number = await server.show(Words("Bob", "1 < 2"))
        assert await server.show(Words("Bob", "2 < 3"), number) == number
        assert [each.body for each in desktop.shown] == ["1 < 2", "2 < 3"]
        await server.close(number)
        assert desktop.open == {}
        server.leave()
        desktop.abilities = ["body", "body-markup"]
        assert await server.show(Words("Bob", "1 < 2"))
        assert desktop.shown[-1].body == "1 &lt; 2"
        server.leave()
        await deferLater(reactor, 0)  # type: ignore[arg-type]


@pytest_twisted.ensureDeferred
async def test_a_bus_that_is_gone(bus: Running) -> None:
    """There is no notice then, and nothing else is wrong."""
    path = session_bus({"DBUS_SESSION_BUS_ADDRESS": bus[0]}) or ""
    server = NoticeServer(reactor, path, lambda _: None)
    # Nobody on this bus shows notices.
    assert await server.show(Words("Bob")) == 0
    bus[1].kill()
    bus[1].wait()
    await server.close(5)
    assert [await server.show(Words("Bob")) for _ in range(2)] == [0, 0]
    await deferLater(reactor, 0)  # type: ignore[arg-type]
