"""Delivers messages to an application's own thread."""

import json
import threading
from collections.abc import Callable
from typing import Any, ClassVar

import attrs
from twisted.logger import Logger, LogLevel

from qabel.core.journal.journal import Entry
from qabel.host.reactor_calls import EmbedError
from qabel.store.journal.entries import DAMAGE

RETRY = 1.0
"""Seconds before a failed delivery is tried again."""

Deliver = Callable[[Callable[[], None]], object]
"""Calls a function in the application's own thread: for example ``lambda call: root.after(0,
call)`` with Tk, or ``loop.call_soon_threadsafe`` with asyncio."""


@attrs.define(eq=False, repr=False)
class MessageDelivery:
    """Delivers messages one after another; ``run`` is for a thread of its own.

    Args:
        next_entries: blocks until there are entries of the event log and returns them; none at
            the end.
        callback: gets each message, in the application's thread.
        deliver: calls a function in the application's thread.
        stopped: set when the daemon has stopped.

    """

    _next_entries: Callable[[], list[Entry]]
    _callback: Callable[[dict[str, Any]], None]
    _deliver: Deliver
    _stopped: threading.Event
    _ended: threading.Event = attrs.field(factory=threading.Event, init=False)

    _log: ClassVar[Logger] = Logger()

    def end(self) -> None:
        """Stop delivering; messages that are on their way already are discarded."""
        self._ended.set()

    def run(self) -> None:
        """Deliver messages until ``end`` is called or the daemon stops."""
        entries: list[Entry] = []
        failed = False
        while not (self._ended.is_set() or self._stopped.is_set()):
            try:
                entries = entries or self._next_entries()
                if not entries:
                    return
                self._deliver_entry(entries[0])
                del entries[0]
                failed = False
            except EmbedError:
                return
            except Exception:  # noqa: BLE001 - the application's error, or a failing disk
                if not failed:
                    text = "delivering a message to the application failed; it will be retried"
                    self._log.failure(text, level=LogLevel.warn)
                failed = True
                self._ended.wait(RETRY)

    def _deliver_entry(self, entry: Entry) -> None:
        message = json.loads(entry.data)
        if entry.kind == DAMAGE:
            text = "messages are damaged and cannot be delivered to the application: {ids}"
            self._log.error(text, ids=message["ids"])
            return
        self._deliver(lambda: self._call(message))

    def _call(self, message: dict[str, Any]) -> None:
        if not self._ended.is_set():
            self._callback(message)
