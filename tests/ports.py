"""Ports for programs that cannot choose one themselves."""

import random
import socket

from tests.integration.processes import wait_until


def free_port() -> int:
    """Return a port that is free, and that the system gives to nobody who does not ask for it."""
    while True:
        port = random.randrange(20_000, 32_000)  # noqa: S311 - no secret
        with socket.socket() as trial:
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def wait_for_port(port: int, what: str) -> None:
    """Wait until something listens at a port.

    Args:
        port: on 127.0.0.1.
        what: listens there, for the message if it does not.

    """

    def look() -> bool | None:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0 or None

    wait_until(look, what)
