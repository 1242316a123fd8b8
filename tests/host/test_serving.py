"""Running a server: it listens, and is ready once it serves."""

from typing import Any

import pytest
import pytest_twisted
from twisted.application.service import MultiService
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.web.resource import Resource

from qabel.host.daemon_options import DaemonOptions
from qabel.host.http_server.json_responses import REFUSALS, JsonRequest
from qabel.host.http_server.site import BoundedSite
from qabel.host.serving import serve


class HereOptions(DaemonOptions):
    """The options of a server for tests."""

    name = "qabel-here"
    version = "1"

    def __init__(self) -> None:
        super().__init__()
        self.is_ready = False

    def note_ready(self, result: Any) -> Any:
        """Note that it is ready."""
        self.is_ready = True
        return result


class HereServer(MultiService):
    """A server that serves when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.started: Deferred[None] = Deferred()
        self.site = BoundedSite(
            Resource(),
            JsonRequest,
            REFUSALS,
            reactor=reactor,
            max_connections=1,
            request_time=5,
        )


@pytest_twisted.ensureDeferred
async def test_it_is_ready_once_it_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not before, although it listens."""
    monkeypatch.setattr("sys.excepthook", None)
    tuned: list[None] = []
    monkeypatch.setattr("qabel.host.serving.tune_garbage_collector", lambda: tuned.append(None))
    options, server = HereOptions(), HereServer()
    options.parseOptions(["--listen=tcp:0:interface=127.0.0.1"])
    parent = serve(server, options, reactor)
    parent.startService()
    assert (server.running, options.is_ready) == (1, False)
    server.started.callback(None)
    assert options.is_ready
    assert len(tuned) == 1
    await parent.stopService()
