"""The intake of messages, beyond what the tests of the receiver show."""

from collections.abc import Sequence
from typing import Any

import attrs
import pytest

from qabel.core.receiving.drop_reading import DropReading
from qabel.crypto import PrivateKey
from qabel.drop.dates import http_date
from qabel.drop.multipart import Part
from qabel.drop.transport import hash_message
from qabel.net.exchange_limits import Allowance
from qabel.store.database.errors import Corrupt, StoreError, StoreFull
from tests.core.conftest import ClockedWorld
from tests.core.receiving.test_receiver import drop_of, sealed

COUNT = 20


def test_what_is_known(clocked: ClockedWorld) -> None:
    """A message is known once it was seen, in whatever way."""
    bob = clocked.run(clocked.person("Bob"))
    intake = bob.receiver._intake
    drop = clocked.run(bob.drops.find(drop_of(bob)))
    assert clocked.run(intake.are_known(drop, []))
    assert not clocked.run(intake.are_known(drop, [bytes(16)]))


@attrs.define
class FailingRepository:
    """A repository that fails where some hashes are looked for or stored."""

    whole: Any
    error: StoreError
    unreadable: frozenset[bytes] = frozenset()
    unwritable: frozenset[bytes] = frozenset()

    async def record_found(self, drop: Any, hashes: Sequence[bytes], **given: Any) -> Any:
        """Look for hashes."""
        if not self.unreadable.isdisjoint(hashes):
            raise self.error
        return await self.whole.record_found(drop, hashes, **given)

    async def keep(self, drop: Any, new: Sequence[Any] = (), **given: Any) -> Any:
        """Store messages."""
        if not self.unwritable.isdisjoint(each.hash for each in new):
            raise self.error
        return await self.whole.keep(drop, new, **given)


class Scene:
    """A drop with messages of different seconds, which are read once or more."""

    def __init__(self, world: ClockedWorld) -> None:
        self.world = world
        self.bob = world.run(world.person("Bob"))
        self.intake = self.bob.receiver._intake
        self.repository = self.intake._repository
        pen = PrivateKey.generate()
        messages = [sealed(self.bob, pen, str(number)) for number in range(COUNT)]
        self.hashes = [hash_message(each) for each in messages]
        self.parts = [
            Part(message, http_date(1_790_000_000 + number))
            for number, message in enumerate(messages)
        ]

    def read(self) -> DropReading:
        """Take all messages in."""
        drop = self.world.run(self.bob.drops.find(drop_of(self.bob)))
        reading = DropReading(drop, True, Allowance(10**6), 0)
        reading.order.look(self.parts)
        looked = self.world.run(self.intake.look(reading, self.parts))
        self.world.run(self.intake.keep(reading, looked))
        return reading


@pytest.fixture
def scene(clocked: ClockedWorld) -> Scene:
    """Return a drop that nothing was read of."""
    return Scene(clocked)


@pytest.mark.parametrize("failing", ["unreadable", "unwritable"])
def test_a_damaged_page_costs_only_what_is_on_it(scene: Scene, failing: str) -> None:
    """All other messages are stored, and the next reading begins where this one did."""
    damaged = {failing: frozenset(scene.hashes[7:8])}
    scene.intake._repository = FailingRepository(
        scene.repository, Corrupt("It is damaged."), **damaged
    )
    reading = scene.read()
    assert isinstance(reading.damage, Corrupt)
    assert scene.bob.inbox.messages == COUNT - 1
    assert reading.place == (None, None, False)
    scene.intake._repository = scene.repository
    assert scene.read().damage is None
    assert scene.bob.inbox.messages == COUNT


def test_what_was_not_stored_is_read_again(scene: Scene) -> None:
    """On a full disk, the next response is not to begin after what could not be stored."""
    scene.intake._repository = FailingRepository(
        scene.repository, StoreFull("There is no space."), unwritable=frozenset(scene.hashes)
    )
    with pytest.raises(StoreFull):
        scene.read()
    drop = scene.bob.drops.known[drop_of(scene.bob)]
    assert drop.progress.full.point is None
    scene.intake._repository = scene.repository
    assert scene.read().gained
    assert scene.bob.inbox.messages == COUNT
