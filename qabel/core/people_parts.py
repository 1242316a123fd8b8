"""Build the parts of the core that are about people."""

from qabel.core.foundation import Foundation
from qabel.core.people.blocked import BlockedKeys
from qabel.core.people.new_drops import NewDrops
from qabel.core.people.people import People
from qabel.core.wiring import Wiring
from qabel.store.blocked import BlockedRepository


def build_people(base: Foundation) -> People:
    """Return the identities and contacts."""
    new_drops = NewDrops(
        synced=base.synced_now,
        are_shared=lambda: base.local.value.privacy.shared_drops,
        network=base.network,
        clock=base.reactor,
        has_proxy=lambda: base.proxy.url is not None,
    )
    return People(base.synced, new_drops)


def build_blocked(base: Foundation, wiring: Wiring) -> BlockedKeys:
    """Return the blocked keys, which are not loaded yet."""
    return BlockedKeys(
        repository=BlockedRepository(base.database),
        synced=base.synced_now,
        now=base.now,
        on_change=wiring.blocked_changed,
    )
