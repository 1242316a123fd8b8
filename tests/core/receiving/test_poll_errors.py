"""Why a drop could not be read."""

import pytest

from qabel.core.receiving.poll_errors import is_away, read_failed
from qabel.net.errors import (
    ConnectFailed,
    DropServerError,
    IncompleteResponse,
    ServerRefused,
    TimedOut,
)


def test_what_the_server_asked_for_is_passed_on() -> None:
    """The pause of a Retry-After is known, and so is the text."""
    failed = read_failed(ServerRefused("Later.", status=503, retry_after=7.0))
    assert (str(failed), failed.retry_after) == ("Later.", 7.0)
    assert read_failed(ConnectFailed("No.")).retry_after is None


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (None, False),
        (ServerRefused("x", status=429), True),
        (ServerRefused("x", status=503), True),
        (ServerRefused("x", status=404), False),
        (ConnectFailed("x"), True),
        (TimedOut("x"), True),
        (IncompleteResponse("x"), False),
    ],
)
def test_when_another_request_is_in_vain(error: DropServerError | None, away: bool) -> None:
    """It is while the server is away or overloaded, not because one response was bad."""
    assert is_away(error) is away
