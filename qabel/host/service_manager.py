"""Notifying a service manager that the daemon is ready, alive or stopping (``sd_notify``).

Nothing here knows Qabel. Without a service manager that listens, nothing is done.
"""

import os
import socket
from collections.abc import Mapping
from typing import Any, TypeVar

import attrs
from twisted.application.service import Service
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

T = TypeVar("T")

SOCKET = "NOTIFY_SOCKET"
WATCHDOG = "WATCHDOG_USEC"
WATCHDOG_PROCESS = "WATCHDOG_PID"


@attrs.define(eq=False, slots=False, repr=False)
class Notifier(Service):
    """Sends ``READY=1`` on request, ``WATCHDOG=1`` while the reactor runs, and ``STOPPING=1``.

    Keep-alives are sent by the reactor, at half the interval that the service manager expects: a
    reactor that hangs sends none, and the service manager restarts the daemon.

    Args:
        reactor: times the keep-alives.
        environ: the environment in which the service manager passes its socket.

    """

    _reactor: Any = attrs.field(kw_only=True)
    _environ: Mapping[str, str] = attrs.field(default=os.environ, kw_only=True)
    _address: str | None = attrs.field(init=False)
    _interval: float | None = attrs.field(init=False)
    """Seconds between keep-alives; None if none are expected."""
    _pings: LoopingCall = attrs.field(init=False)
    _refused: bool = attrs.field(default=False, init=False)
    """Whether a notification has failed, which is logged once."""

    _log = Logger()

    def __attrs_post_init__(self) -> None:
        self._address = _parse_address(self._environ.get(SOCKET, ""))
        self._interval = _watchdog_interval(self._environ)
        self._pings = LoopingCall(self._send, b"WATCHDOG=1")
        self._pings.clock = self._reactor

    def is_ready(self, result: T) -> T:
        """Notify that the daemon is ready; return the result, as a callback of a Deferred does."""
        self._send(b"READY=1")
        return result

    def startService(self) -> None:
        """Begin to send keep-alives, if the service manager expects them."""
        super().startService()
        if self._address is not None and self._interval is not None:
            self._pings.start(self._interval, now=True)

    def stopService(self) -> None:
        """Notify that the daemon is stopping."""
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
            # The next keep-alive may get through. One line is enough; a daemon runs for long.
            if not self._refused:
                self._log.warn(
                    "Cannot notify the service manager: {why}", why=error.strerror or error
                )
            self._refused = True


def _parse_address(text: str) -> str | None:
    """Return a socket's address: a path, or a name in the abstract namespace, written with @."""
    if text.startswith("@"):
        return "\0" + text[1:]
    return text if text.startswith("/") else None


def _watchdog_interval(environ: Mapping[str, str]) -> float | None:
    """Return the seconds between keep-alives; None if this process is not expected to send any."""
    if environ.get(WATCHDOG_PROCESS, str(os.getpid())) != str(os.getpid()):
        return None
    try:
        microseconds = int(environ.get(WATCHDOG, ""))
    except ValueError:
        return None
    return microseconds / 2_000_000 if microseconds > 0 else None
