"""The state after the first attempts: sent once no attempt is open and one was taken."""

import pytest

from qabel.core.sending.first_outcome import first_state
from qabel.core.sending.post_result import PostOutcome, PostResult
from qabel.store.outbox.sends import DeliveryState

TAKEN = PostResult(PostOutcome.TAKEN)
REFUSED = PostResult(PostOutcome.REFUSED, "no")


@pytest.mark.parametrize(
    ("tried", "state", "reason"),
    [
        ([TAKEN], DeliveryState.SENT, None),
        ([TAKEN, REFUSED], DeliveryState.SENT, "no"),
        ([REFUSED, REFUSED], DeliveryState.FAILED, "no"),
        ([TAKEN, None], DeliveryState.QUEUED, None),
        ([None, REFUSED], DeliveryState.QUEUED, "no"),
        ([], DeliveryState.FAILED, None),
    ],
)
def test_the_state(
    tried: list[PostResult | None], state: DeliveryState, reason: str | None
) -> None:
    """All refused is failed; all ended is sent; the rest is queued, with the first reason."""
    assert first_state(tried) == (state, reason)
