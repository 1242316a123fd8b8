"""Tell a service manager how the daemon is: ready, alive, stopping (systemd's ``sd_notify``).

Nothing here knows Qabel. Where no service manager listens, nothing is done.
"""

import os
import socket
from collections.abc import Mapping
from typing import Any, TypeVar

from twisted.application.service import Service
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

T = TypeVar("T")

SOCKET = "NOTIFY_SOCKET"
WATCHDOG = "WATCHDOG_USEC"
WATCHDOG_PROCESS = "WATCHDOG_PID"


class Notifier(Service):
    """Sends ``READY=1`` when told, ``WATCHDOG=1`` while the reactor turns, and ``STOPPING=1``.

    A sign of life is given at half of the time that the service manager waits for one, from the
    reactor: one that hangs gives none, and the service manager starts the daemon anew. ``environ``
    is where the service manager says where it listens.
    """

    _log = Logger()

    def __init__(self, *, reactor: Any, environ: Mapping[str, str] = os.environ) -> None:
        self._address = _address(environ.get(SOCKET, ""))
        self._interval = _watchdog_interval(environ)
        self._pings = LoopingCall(self._send, b"WATCHDOG=1")
        self._pings.clock = reactor
        self._refused = False

    def is_ready(self, result: T) -> T:
        """Say that the daemon does its work from now on; made to be the callback of a Deferred."""
        self._send(b"READY=1")
        return result

    def startService(self) -> None:
        """Begin to give signs of life, if they are asked for."""
        super().startService()
        if self._address is not None and self._interval is not None:
            self._pings.start(self._interval, now=True)

    def stopService(self) -> None:
        """Say that the daemon is about to end."""
        super().stopService()
        if self._pings.running:
            self._pings.stop()
        self._send(b"STOPPING=1")

    def _send(self, state: bytes) -> None:
        if self._address is None:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as notify:
                notify.setblocking(False)
                notify.sendto(state, self._address)
        except OSError as error:
            # The next sign of life may get through. One line says it; a daemon runs for long.
            if not self._refused:
                self._log.warn(
                    "The service manager does not listen: {why}", why=error.strerror or error
                )
            self._refused = True


def _address(text: str) -> str | None:
    """Read a socket's address: a path, or a name in the abstract namespace, written with an @."""
    if text.startswith("@"):
        return "\0" + text[1:]
    return text if text.startswith("/") else None


def _watchdog_interval(environ: Mapping[str, str]) -> float | None:
    """Give the seconds between two signs of life; None if this process is to give none."""
    if environ.get(WATCHDOG_PROCESS, str(os.getpid())) != str(os.getpid()):
        return None
    try:
        microseconds = int(environ.get(WATCHDOG, ""))
    except ValueError:
        return None
    return microseconds / 2_000_000 if microseconds > 0 else None
