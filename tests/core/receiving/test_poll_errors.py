"""Why a drop could not be read."""

import pytest

from qabel.core.receiving.poll_errors import is_away, read_failed
from qabel.net.errors import (
    ConnectFailed,
    DropServerError,
    IncompleteResponse,
    NotAdmitted,
    ServerRefused,
    TimedOut,
)


def test_what_the_server_asked_for_is_passed_on() -> None:
    """The pause of a Retry-After is known, and so is the text."""
    failed = read_failed(ServerRefused("Later.", status=503, retry_after=7.0))
    assert (str(failed), failed.retry_after) == ("Later.", 7.0)
    assert read_failed(ConnectFailed("No.")).retry_after is None


def test_a_closed_group_is_known_as_such() -> None:
    """Only the user can mend it, so it is told apart from a server that fails."""
    assert read_failed(NotAdmitted("No.", status=401)).is_not_admitted
    assert not read_failed(ServerRefused("No.", status=403)).is_not_admitted


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (None, False),
        (ServerRefused("x", status=429), True),
        (ServerRefused("x", status=503), True),
        (ServerRefused("x", status=404), False),
        (ConnectFailed("x"), True),
        (NotAdmitted("x", status=401), True),
        (TimedOut("x"), True),
        (IncompleteResponse("x"), False),
    ],
)
def test_when_another_request_is_in_vain(error: DropServerError | None, away: bool) -> None:
    """It is while the server is away or overloaded, not because one response was bad."""
    assert is_away(error) is away
