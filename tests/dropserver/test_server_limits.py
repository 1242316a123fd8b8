"""Wanted of connections: what is chosen, what follows from it, and what the system allows."""

import pytest

from qabel.dropserver.server_limits import ServerLimits
from qabel.host.start_errors import StartError


def choose(connections: int | None = None, listeners: int | None = None) -> ServerLimits:
    """Return the limits of a command line that says only this of them."""
    return ServerLimits.choose(connections, 512, listeners, None)


def test_the_defaults() -> None:
    """What is not said is as it was before it could be said."""
    assert choose() == ServerLimits()
    limits = ServerLimits()
    assert (limits.connections, limits.connections_each) == (1024, 512)
    assert (limits.listeners, limits.listeners_of_drop(256)) == (800, 100)


@pytest.mark.parametrize(
    ("connections", "listeners", "after"),
    [(20_000, None, 800), (500, None, 400), (1, None, 1), (20_000, 15_000, 15_000), (10, 10, 10)],
)
def test_listeners_are_some_of_the_connections(
    connections: int, listeners: int | None, after: int
) -> None:
    """Unless somebody chooses otherwise, they leave some connections to others."""
    assert choose(connections, listeners).listeners == after


def test_more_listeners_than_connections() -> None:
    """That cannot be meant: what is to be raised is said."""
    with pytest.raises(StartError, match="raise --max-connections to more than 1025"):
        choose(listeners=1025)


def test_the_files_of_the_process() -> None:
    """A default is lowered to what the process may have; what was chosen is an error instead."""
    limits = choose()
    assert limits.within(limits.files, is_chosen=True) is limits
    lowered = limits.within(628, is_chosen=False)
    assert (lowered.files, lowered.connections, lowered.listeners) == (628, 500, 400)
    assert limits.within(10, is_chosen=False).connections == 1
    with pytest.raises(StartError, match="pass --max-connections 500") as caught:
        limits.within(628, is_chosen=True)
    assert f"ulimit -n {limits.files}" in str(caught.value)
