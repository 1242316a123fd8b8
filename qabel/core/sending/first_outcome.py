"""The state of a delivery after the first attempts at the drop URLs of its recipient."""

from collections.abc import Sequence

from qabel.core.sending.post_result import PostOutcome, PostResult
from qabel.store.outbox.sends import DeliveryState


def first_state(tried: Sequence[PostResult | None]) -> tuple[DeliveryState, str | None]:
    """Return the state of a delivery, and why; None stands for an attempt that has no result."""
    outcomes = [None if each is None else each.outcome for each in tried]
    reasons = [each.reason for each in tried if each is not None and each.reason]
    reason = reasons[0] if reasons else None
    if all(each is PostOutcome.REFUSED for each in outcomes):
        return DeliveryState.FAILED, reason
    if all(each in (PostOutcome.TAKEN, PostOutcome.REFUSED) for each in outcomes):
        return DeliveryState.SENT, reason
    return DeliveryState.QUEUED, reason
