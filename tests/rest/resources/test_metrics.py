"""``/metrics``."""

from typing import Any

import pytest_twisted

from qabel.rest.resources.metrics import CONTENT_TYPE


@pytest_twisted.ensureDeferred
async def test_metrics(server: Any) -> None:
    """The metrics are text in the format of Prometheus, and agree with what happened."""
    await server.friends()
    await server.receive("one")
    got = await server.ask("GET", "/metrics")
    assert (got.status, got.headers["content-type"]) == (200, CONTENT_TYPE)
    lines = got.body.decode().splitlines()
    assert "qabel_inbox_messages 1.0" in lines
    assert 'qabel_outbox_deliveries{state="sent"} 1.0' in lines
    assert any(line.startswith("qabel_drop_server_failures{server=") for line in lines)
