"""What is known of a running drop server, and what of it is trouble."""

from typing import Any

import pytest
import pytest_twisted

from tests.dropserver.test_drop_resource import A


@pytest_twisted.ensureDeferred
async def test_a_file_that_cannot_be_used(running: Any, logged_failures: Any) -> None:
    """It is trouble while it lasts, and the rest is known nevertheless."""
    async with running() as server:
        await server.post(A, b"x")
        before = await server.service.state()
        await server.on_file(lambda file: file._connection.close())
        broken = await server.service.state()
        after = await server.service.state()
        await server.service.stopService()
        stopped = await server.service.state()
    assert (before.trouble, before.usage.messages) == (None, 1)
    assert (broken.usage, stopped.usage) == (None, None)
    assert "see the log" in broken.trouble
    assert broken.connections == before.connections
    assert (after.trouble, after.usage) == (None, before.usage)
    assert len(logged_failures.flush()) == 1


@pytest.mark.parametrize("name", ["listeners", "connections"])
@pytest_twisted.ensureDeferred
async def test_nothing_is_open_at_first(running: Any, name: str) -> None:
    """Nobody listens, and nobody is connected, who has not come."""
    async with running() as server:
        state = await server.service.state()
    assert getattr(state, name) == 0
    assert state.most_listeners > 0
