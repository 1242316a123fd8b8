"""New drops: how many random bits their ids have, and what a server can do about it."""

from collections.abc import Callable
from typing import Any

import pytest
from attrs import define, evolve, field
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock

from qabel.core.errors import Conflict
from qabel.core.people.new_drops import PATIENCE, PROXY_PATIENCE, NewDrops
from qabel.crypto import PrivateKey
from qabel.deferreds import result_of
from qabel.net.errors import InvalidResponse
from qabel.settings.synced import SYNCED, SyncedSettings

ONE, TWO = "https://one.example", "https://two.example"
OWNER = PrivateKey.generate().public_key


def settings(*urls: str) -> SyncedSettings:
    """Return settings with some drop servers."""
    servers = [{"url": url, "auth": "", "active": True} for url in urls]
    return SYNCED.parse({"drop_servers": servers}, now=1)


@define(eq=False)
class Scene:
    """Servers that answer as the test says."""

    synced: SyncedSettings = field(factory=lambda: settings(ONE, TWO))
    are_shared: bool = True
    has_proxy: bool = False
    answer: Callable[[], "Deferred[int]"] = lambda: succeed(16)
    asked: list[tuple[str, bytes]] = field(factory=list)
    clock: Clock = field(factory=Clock)

    def drop_id_bits(self, server: str, owner: bytes) -> "Deferred[int]":
        """Be asked."""
        self.asked.append((server, owner))
        return self.answer()

    def plan(self) -> "Deferred[Any]":
        """Plan a drop."""
        drops = NewDrops(
            synced=lambda: self.synced,
            are_shared=lambda: self.are_shared,
            network=self,
            clock=self.clock,
            has_proxy=lambda: self.has_proxy,
        )
        return Deferred.fromCoroutine(drops.plan(OWNER))


def test_nobody_is_asked_by_default() -> None:
    """Without the setting, a drop has 256 bits, and no server is told of it."""
    scene = Scene(are_shared=False)
    drop = result_of(scene.plan()).create(scene.synced)
    assert (drop.server, drop.is_shared, scene.asked) == (ONE, False, [])


@pytest.mark.parametrize("bits", [12, 16, 20, 24])
def test_the_server_is_followed(bits: int) -> None:
    """The first active server is asked once, for the new identity, and all other bits are zero."""
    scene = Scene(answer=lambda: succeed(bits))
    plan = result_of(scene.plan())
    drops = {plan.create(scene.synced).drop_id for _ in range(100)}
    assert len({each[: bits // 6 + 1] for each in drops}) > 50
    assert {each[bits // 6 + 1 :] for each in drops} == {"A" * (42 - bits // 6)}
    assert scene.asked == [(ONE, OWNER.raw)]


def test_a_failure_means_a_drop_of_its_own() -> None:
    """Whatever goes wrong at the server, the identity gets a drop."""
    scene = Scene(answer=lambda: fail(InvalidResponse("The drop server sent rubbish.")))
    assert result_of(scene.plan()).bits == 256


@pytest.mark.parametrize(("has_proxy", "patience"), [(False, PATIENCE), (True, PROXY_PATIENCE)])
def test_a_slow_server(has_proxy: bool, patience: float) -> None:
    """The identity waits for a few seconds, and the question is given up then."""
    gone: list[bool] = []
    scene = Scene(answer=lambda: Deferred(lambda _: gone.append(True)), has_proxy=has_proxy)
    planning = scene.plan()
    scene.clock.advance(patience - 0.1)
    assert not planning.called
    scene.clock.advance(0.2)
    assert result_of(planning).bits == 256
    assert gone == [True]
    assert scene.clock.getDelayedCalls() == []


def test_no_server() -> None:
    """Without an active server, nobody is asked, and it is said what to do."""
    scene = Scene(synced=settings())
    with pytest.raises(Conflict, match="No active drop server"):
        result_of(scene.plan())
    assert scene.asked == []


def test_the_servers_change_meanwhile() -> None:
    """On another server than was asked, nobody shares the drop; without any, there is none."""
    plan = result_of(Scene().plan())
    assert plan.create(settings(ONE)).is_shared
    other = plan.create(settings(TWO, ONE))
    assert (other.server, other.is_shared) == (TWO, False)
    inactive = evolve(settings(ONE).drop_servers[0], active=False)
    with pytest.raises(Conflict):
        plan.create(evolve(settings(), drop_servers=(inactive,)))
