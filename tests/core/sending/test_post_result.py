"""How a delivery attempt ended, by what the server did and by what is known of it."""

import pytest

from qabel.core.sending.post_result import PostOutcome, outcome_of
from qabel.net.errors import ConnectFailed, DropServerError, ServerRefused

FOR_GOOD = ServerRefused("no", status=413, permanent=True)
FOR_NOW = ServerRefused("not now", status=503, permanent=False)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, PostOutcome.TAKEN),
        (FOR_GOOD, PostOutcome.REFUSED),
        (FOR_NOW, PostOutcome.FAILED),
        (ConnectFailed("refused"), PostOutcome.FAILED),
    ],
)
def test_what_is_no_drop_server_decides_nothing(
    error: DropServerError | None, outcome: PostOutcome
) -> None:
    """A drop server takes a message, or refuses it for good; anything else is tried again."""
    assert outcome_of(error, None) is outcome
    assert outcome_of(error, "It sent a page.") is PostOutcome.FAILED
