"""A disk that uploads fill: deleting goes on, so that there is room again."""

from pathlib import Path
from typing import Any

import pytest_twisted

from tests.conftest import LoggedFailures
from tests.dropserver.small_disk import small_disk

SIZE = 190_000


@pytest_twisted.ensureDeferred
async def test_a_full_disk(running: Any, tmp_path: Path, logged_failures: LoggedFailures) -> None:
    """Uploads are put off, before the index has no room left; and nothing of them stays."""
    with small_disk(tmp_path / "data", 20):
        async with running() as server:
            storage = server.service._resource.storage
            await storage.index.run(lambda index: index.set_quota("anna", 10**9))
            count = 0
            while (answer := await server.put(f"blocks/{count}", bytes(SIZE))).status == 204:
                count += 1
            assert (answer.status, answer.headers["Retry-After"]) == (507, "900")
            assert count > 50
            assert len(server.objects()) == count
            assert (await server.get("blocks/0")).body == bytes(SIZE)
            for number in range(10):
                deleted = await server.call("DELETE", server.file(f"blocks/{number}"))
                assert deleted.status == 204
            assert (await server.put("blocks/more", bytes(SIZE))).status == 204
        async with running() as server:
            assert (await server.get("blocks/more")).body == bytes(SIZE)
    logged_failures.flush()
