"""The parts about people are built for a core: new drops follow its settings and its network."""

from twisted.internet.defer import Deferred

from qabel.core.people.new_drops import PATIENCE
from qabel.core.service import CoreService
from qabel.deferreds import result_of
from qabel.drop.url import DropURL
from qabel.settings.proxy_url import ProxyURL
from qabel.store.blocked import BlockedRepository
from tests.core.conftest import ClockedWorld


def newest(core: CoreService) -> DropURL:
    """Return the drop of the newest identity."""
    [drop] = core.people.identities()[-1].drops or ()
    return DropURL.parse(drop)


def test_only_new_drops_are_shared_and_only_if_wanted(clocked: ClockedWorld) -> None:
    """The setting counts when an identity is created; older ones keep their drops."""
    clocked.drop_servers.bits = 16
    core = clocked.run(clocked.person("me"))
    first = newest(core)
    assert not first.is_shared
    clocked.run(core.local.set("privacy.shared_drops", True))
    clocked.run(core.people.add_identity("second"))
    assert newest(core).is_shared
    assert core.people.identities()[0].drops == [str(first)]
    clocked.run(core.local.set("privacy.shared_drops", False))
    clocked.run(core.people.add_identity("third"))
    assert not newest(core).is_shared


def test_an_identity_is_created_whatever_the_server_does(clocked: ClockedWorld) -> None:
    """A server that is away, or hangs, cannot prevent it; and it is there as a whole or not."""
    core = clocked.run(clocked.person("me"))
    clocked.run(core.local.set("privacy.shared_drops", True))
    clocked.drop_servers.bits, clocked.drop_servers.is_away = 16, True
    clocked.run(core.people.add_identity("second"))
    assert not newest(core).is_shared
    clocked.drop_servers.is_away, clocked.drop_servers.hanging = False, Deferred()
    creating = Deferred.fromCoroutine(core.people.add_identity("third"))
    assert len(core.people.identities()) == 2
    clocked.clock.advance(PATIENCE)
    assert result_of(creating).alias == "third"
    assert not newest(core).is_shared
    clocked.drop_servers.hanging.callback(None)


def test_a_proxy_gets_more_time(clocked: ClockedWorld) -> None:
    """Whether there is one is looked at each time."""
    core = clocked.run(clocked.person("me"))
    clocked.run(core.local.set("privacy.shared_drops", True))
    core._base.proxy.use(ProxyURL.parse("socks5://127.0.0.1:9"))
    clocked.drop_servers.hanging = Deferred()
    creating = Deferred.fromCoroutine(core.people.add_identity("second"))
    clocked.clock.advance(PATIENCE)
    assert not creating.called
    clocked.drop_servers.hanging.callback(None)
    assert result_of(creating).alias == "second"


def test_blocked_keys_are_those_of_the_database(clocked: ClockedWorld) -> None:
    """What is blocked is stored."""
    alice, bob = clocked.run(clocked.friends())
    [key] = [each.public_key for each in alice.synced.value.identities]
    clocked.run(bob.blocked.add(key))
    [stored] = result_of(BlockedRepository(bob._base.database).all())
    assert bob.blocked.keys == {stored.key} == {key.raw}
