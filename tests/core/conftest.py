"""Cores with real databases, and drop servers in memory."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_twisted
from twisted.internet import reactor

from qabel.testing.correspondents import Correspondents


@pytest_twisted.async_yield_fixture
async def world(tmp_path: Path) -> AsyncIterator[Correspondents]:
    """Give a world without people."""
    made = Correspondents(tmp_path, reactor)
    yield made
    await made.close()
