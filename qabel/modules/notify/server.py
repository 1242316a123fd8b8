"""The server of notices in the user's session: connected when there is something to say."""

import html
from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.internet.endpoints import UNIXClientEndpoint, connectProtocol
from twisted.logger import Logger

from qabel.modules.notify.bus import PATIENCE, BusConnection
from qabel.modules.notify.words import Words

APP = "Qabel"

ICON = "mail-unread"

AS_SERVER = -1
"""Milliseconds: the server decides how long a notice is shown."""

_NOTIFY = "susssasa{sv}i"


@define(eq=False)
class NoticeServer:
    """Shows and closes notices. What goes wrong is logged once, until it works again.

    Args:
        reactor: connects.
        path: the socket of the bus.
        on_closed: called with the id of a notice that is not shown any more.

    """

    _reactor: Any
    _path: str
    _on_closed: Callable[[int], None]
    _connection: BusConnection | None = field(default=None, init=False)
    _has_markup: bool = field(default=False, init=False)
    _has_failed: bool = field(default=False, init=False)

    _log = Logger()

    async def show(self, words: Words, replaces: int = 0) -> int:
        """Show a notice; return its id, or 0 if that is not possible.

        Args:
            words: what it says.
            replaces: the id of a notice that it takes the place of; 0 for none.

        """
        try:
            bus = await self._connected()
            body = html.escape(words.body, quote=False) if self._has_markup else words.body
            hints = {"category": ("s", "im.received")}
            given: tuple[object, ...] = (
                APP,
                replaces,
                ICON,
                words.title,
                body,
                [],
                hints,
                AS_SERVER,
            )
            [number] = await bus.call("Notify", _NOTIFY, *given)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the desktop, all else works
            self._failed(error)
            return 0
        self._has_failed = False
        return int(number)

    async def close(self, number: int) -> None:
        """Take a notice away, if it is there still."""
        try:
            if self._connection is not None:
                await self._connection.call("CloseNotification", "u", number)
        except Exception as error:  # noqa: BLE001 - see above
            self._failed(error)

    def leave(self) -> None:
        """End the connection."""
        connection, self._connection = self._connection, None
        if connection is not None and connection.transport is not None:
            connection.transport.abortConnection()  # type: ignore[attr-defined]

    async def _connected(self) -> BusConnection:
        if self._connection is None:
            made = BusConnection(self._reactor, self._on_closed, self._lost)
            endpoint = UNIXClientEndpoint(self._reactor, self._path, timeout=PATIENCE)
            await connectProtocol(endpoint, made)
            self._connection = made
            await made.ready
            [abilities] = await made.call("GetCapabilities")
            self._has_markup = "body-markup" in abilities
        return self._connection

    def _lost(self) -> None:
        self._connection = None

    def _failed(self, error: Exception) -> None:
        self.leave()
        if not self._has_failed:
            self._has_failed = True
            self._log.warn(
                "No notice could be shown on the desktop: {kind}", kind=type(error).__name__
            )
