"""Notices on the desktop: one for each conversation, or one for many, and none when it is read."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from qabel.modules.api import ModuleTools
from qabel.modules.notify.bus_address import session_bus
from qabel.modules.notify.prepare import Notice
from qabel.modules.notify.settings import NotifySettings
from qabel.modules.notify.words import Words, words_of, words_of_many

MOMENT = 0.3
"""Seconds until a notice is shown: what comes meanwhile is shown with it."""

PAUSE = 2.0
"""Seconds between two changes of what is shown, at least."""

MOST = 3
"""Conversations that have notices of their own; more have one together."""

ALL = ""
"""Instead of a conversation: the notice that several have together."""


class Server(Protocol):
    """``qabel.modules.notify.server.NoticeServer``."""

    async def show(self, words: Words, replaces: int = 0) -> int:
        """Show a notice; return its id, or 0."""

    async def close(self, number: int) -> None:
        """Take a notice away."""

    def leave(self) -> None:
        """End the connection."""


@define(eq=False)
class Desktop:
    """The companion of notify.

    Args:
        tools: the tools of the module.
        clock: measures pauses.
        server: shows notices; called with what is to be called when one was closed. None if there
            is no session.

    """

    _tools: ModuleTools
    _clock: Any
    _make_server: "Callable[[Callable[[int], None]], Server] | None"
    _server: Server | None = field(default=None, init=False)
    _waiting: dict[str, Notice] = field(factory=dict, init=False)
    """What is to be shown, by conversation."""
    _shown: dict[str, int] = field(factory=dict, init=False)
    """The ids of notices, by conversation."""
    _together: dict[str, Notice] = field(factory=dict, init=False)
    """The conversations that have a notice together."""
    _read: set[str] = field(factory=set, init=False)
    """Conversations whose notices are to be closed."""
    _timer: IDelayedCall | None = field(default=None, init=False)
    _work: "Deferred[None] | None" = field(default=None, init=False)
    _last: float = field(default=float("-inf"), init=False)

    _log = Logger()

    def start(self) -> None:
        """Say so if there is no desktop."""
        if self._make_server is None:
            self._log.info(
                "notify shows nothing on a desktop: there is no session (a system service has "
                "none), or the package jeepney is missing (qabel[desktop])."
            )
            return
        self._server = self._make_server(self._closed)

    def stop(self) -> None:
        """Show nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        work, self._work = self._work, None
        if work is not None:
            work.cancel()
        if self._server is not None:
            self._server.leave()
            self._server = None

    def take(self, passed_on: Sequence[Notice]) -> None:
        """Take what ``prepare`` has found."""
        if self._server is None:
            return
        for notice in passed_on:
            if notice.count and notice.is_new:
                self._waiting[notice.conversation] = notice
                self._read.discard(notice.conversation)
            elif not notice.count:
                self._waiting.pop(notice.conversation, None)
                self._read.add(notice.conversation)
        self._read &= {*self._shown, *self._together}
        self._plan()

    def _plan(self) -> None:
        if (self._waiting or self._read) and self._timer is None and self._work is None:
            since = self._clock.seconds() - self._last
            self._timer = self._clock.callLater(max(MOMENT, PAUSE - since), self._begin)

    def _begin(self) -> None:
        self._timer = None
        self._last = self._clock.seconds()
        self._work = Deferred.fromCoroutine(self._change())
        if not self._work.called:
            self._work.addErrback(self._ended)
            self._work.addCallback(lambda _: self._go_on())
        else:
            self._work.addErrback(self._ended)
            self._go_on()

    def _go_on(self) -> None:
        self._work = None
        if self._server is not None:
            self._plan()

    def _ended(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self._log.failure("Showing notices failed unexpectedly", failure)

    async def _change(self) -> None:
        settings: NotifySettings = self._tools.settings.local
        waiting, read = self._waiting, self._read
        self._waiting, self._read = {}, set()
        await self._close(read)
        if not settings.desktop or not waiting:
            return
        others = {*self._shown, *self._together} - {ALL, *waiting}
        if self._together or len(waiting) + len(others) > MOST:
            await self._show_together(waiting, settings)
            return
        for conversation, notice in waiting.items():
            await self._show(conversation, words_of(notice, settings.show))

    async def _close(self, read: set[str]) -> None:
        for conversation in read:
            self._together.pop(conversation, None)
            await self._take_away(conversation)
        if not self._together:
            await self._take_away(ALL)

    async def _show_together(self, waiting: Mapping[str, Notice], settings: NotifySettings) -> None:
        self._together |= waiting
        for conversation in waiting:
            await self._take_away(conversation)
        if len(self._together) == 1:
            [only] = self._together.values()
            await self._show(ALL, words_of(only, settings.show))
        else:
            await self._show(ALL, words_of_many([*self._together.values()]))

    async def _show(self, conversation: str, words: Words) -> None:
        server = self._server
        if server is not None:
            number = await server.show(words, self._shown.get(conversation, 0))
            self._shown.pop(conversation, None)
            if number:
                self._shown[conversation] = number

    async def _take_away(self, conversation: str) -> None:
        number = self._shown.pop(conversation, None)
        if number is not None and self._server is not None:
            await self._server.close(number)

    def _closed(self, number: int) -> None:
        """Forget a notice that the user has closed, or that was shown for long enough."""
        for conversation, each in [*self._shown.items()]:
            if each == number:
                del self._shown[conversation]
                if conversation == ALL:
                    self._together.clear()


def make_desktop(tools: ModuleTools, reactor: Any, environment: Mapping[str, str]) -> Desktop:
    """Return the companion for the session that these environment variables lead to, if any."""
    path = session_bus(environment)
    try:
        from qabel.modules.notify.server import NoticeServer  # noqa: PLC0415 - jeepney is an extra
    except ImportError:
        path = None
    if path is None:
        return Desktop(tools, reactor, None)
    found = path
    return Desktop(tools, reactor, lambda on_closed: NoticeServer(reactor, found, on_closed))
