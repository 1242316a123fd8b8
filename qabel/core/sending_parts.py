"""Build the parts of the core that send acknowledgements."""

from qabel.core.foundation import Foundation
from qabel.core.people.blocked import BlockedKeys
from qabel.core.receiving.server_presence import ServerPresence
from qabel.core.sending.acknowledgement_attempt import AcknowledgementAttempts
from qabel.core.sending.acknowledgements import Acknowledgements
from qabel.store.outbox.acknowledgement_repository import AcknowledgementRepository


def build_acknowledgements(
    base: Foundation, blocked: BlockedKeys, presence: ServerPresence
) -> Acknowledgements:
    """Return what sends acknowledgements."""
    attempts = AcknowledgementAttempts(
        client=base.network,
        workers=base.workers,
        synced=base.synced_now,
        blocked=lambda: blocked.keys,
        are_wanted=lambda: base.times.are_wanted,
        no_drop_server=presence.no_drop_server,
    )
    return Acknowledgements(
        repository=AcknowledgementRepository(base.database),
        attempts=attempts,
        times=base.times,
        stamps=base.stamps,
        clock=base.reactor,
    )
