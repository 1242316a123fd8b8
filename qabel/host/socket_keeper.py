"""A Unix socket whose file is created again when something has removed it.

Programs that clean up, or a restored directory, remove the file of a socket; nobody can connect to
it then, although the process still listens. Nothing here knows Qabel.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IListeningPort
from twisted.logger import Logger

from qabel.host.listening import Listening
from qabel.host.regular_call import RegularCall

INTERVAL = 3.0
"""Seconds between two looks."""


@attrs.define(eq=False, slots=False)
class SocketKeeper(Service):
    """Looks at the file of a socket, and listens again when it is gone or another one.

    Args:
        path: the file.
        listening: the service that listens on it.
        listen: listens anew; the Deferred fires with the port.
        clock: times the looks.

    """

    _path: Path
    _listening: Listening
    _listen: "Callable[[], Deferred[IListeningPort]]"
    _clock: Any
    error: str | None = attrs.field(default=None, init=False)
    """Why the socket that was removed cannot be created again."""
    _inode: tuple[int, int] | None = attrs.field(default=None, init=False)
    _loop: RegularCall = attrs.field(init=False)

    _log = Logger()

    def __attrs_post_init__(self) -> None:
        self._loop = RegularCall(
            self.look, INTERVAL, self._clock, self._log, "Looking after a socket failed"
        )

    def startService(self) -> None:
        """Remember the file as it is, and begin to look."""
        super().startService()
        self._inode = _inode(self._path)
        self._loop.start()

    def stopService(self) -> None:
        """Stop looking."""
        super().stopService()
        self._loop.stop()

    async def look(self) -> None:
        """Create the file again, if it is not the one that was created."""
        if self._inode is not None and _inode(self._path) == self._inode:
            self.error = None
            return
        try:
            port = await maybeDeferred(self._listen)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again
            why = getattr(error, "socketError", error)
            self.error = getattr(why, "strerror", None) or str(why)
            return
        if not self.running:
            await maybeDeferred(port.stopListening)
            return
        self.error, self._inode = None, _inode(self._path)
        self._log.warn("The socket {path} was removed; it was created again.", path=self._path)
        await self._listening.replace_port(port)


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
