"""Running REST servers."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest_twisted
from twisted.internet import reactor

from qabel.modules.host import ModuleHost
from qabel.modules.loading import FoundModule
from qabel.rest.app import make_site
from qabel.rest.http.access_control import AccessOptions
from qabel.testing.correspondents import Correspondents
from tests.modules.conftest import NOTES
from tests.rest.running_server import Server

MakeServer = Callable[..., Awaitable[Server]]


@pytest_twisted.async_yield_fixture
async def make_server(tmp_path: Path) -> AsyncIterator[MakeServer]:
    """Return a function that starts a server; all of them are stopped in the end."""
    made: list[Server] = []

    async def make(clock: Any = reactor, **options: Any) -> Server:
        world = Correspondents(tmp_path, reactor)
        core = await world.core(str(len(made)))
        modules = ModuleHost(core, [FoundModule("notes", NOTES)], clock)
        site = make_site(core, options=AccessOptions(**options), modules=modules, reactor=clock)
        port = reactor.listenTCP(0, site, interface="127.0.0.1")  # type: ignore[attr-defined]
        server = Server(core, world.drop_servers, site, port)
        made.append(server)
        return server

    yield make
    for each in made:
        await each.stop()


@pytest_twisted.async_yield_fixture
async def server(make_server: MakeServer) -> AsyncIterator[Server]:
    """Return a server with the default access options."""
    yield await make_server()
