"""A purge of a running server: to its end, or as long as it is wanted."""

from typing import Any

import pytest_twisted
from twisted.internet.defer import gatherResults

from qabel.dropserver.message_purge import MessagePurge
from qabel.dropserver.message_values import Post
from qabel.dropserver.purging import purge_messages
from tests.dropserver.test_message_purge import made_up


@pytest_twisted.ensureDeferred
async def test_as_long_as_it_is_wanted(running: Any) -> None:
    """When whoever asked is gone, it ends with what it has done; the server goes on meanwhile."""
    async with running() as server:
        store = server.service._store
        await gatherResults([store.append(Post(made_up(n), b"x")) for n in range(1000)])
        looks: list[bool] = []

        def is_wanted() -> bool:
            looks.append(True)
            return len(looks) < 3

        purge = MessagePurge(0, is_dry_run=False)
        await purge_messages(store, purge, is_wanted)
        assert (purge.is_done, purge.purged.messages) == (False, 512)
        counted = MessagePurge(0, is_dry_run=True)
        await purge_messages(store, counted, lambda: True)
        assert (counted.is_done, counted.purged.messages) == (True, 488)
        await server.service.purge(purge, lambda: True)
        assert (await store.usage()).messages == 0
        assert (await server.post("/" + made_up(1), b"y")).status == 200
