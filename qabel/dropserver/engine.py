"""What stores the messages of a drop server while it runs: a file, unless it is said otherwise."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from attrs import field, frozen

from qabel.dropserver.feed import Feed, OwnFeed
from qabel.dropserver.message_file import MessageFile
from qabel.dropserver.message_store import MessageStore
from qabel.dropserver.message_values import Retention
from qabel.dropserver.storage import Storage
from qabel.host.push.push_hub import PushHub


class Engine(Protocol):
    """Opens the storage of a server each time that it starts."""

    @property
    def retention(self) -> Retention:
        """How long messages are kept, and how many, as far as that is known."""

    def open(self, hub: PushHub) -> tuple[Storage, Feed]:
        """Return the storage, and what passes messages on to the subscribers.

        Raises StartError.
        """


@frozen(eq=False, repr=False)
class FileEngine:
    """Stores messages in an SQLite file.

    Args:
        path: the file.
        retention: how long messages are kept, and how many.
        reactor: Twisted's reactor.
        now: returns seconds since the epoch.

    """

    _path: Path
    retention: Retention
    _reactor: Any
    _now: Callable[[], float] = field(default=time.time, kw_only=True)

    def open(self, hub: PushHub) -> tuple[Storage, Feed]:
        """Open the file. Raises StartError."""
        file = MessageFile(self._path, self.retention, now=self._now)
        return MessageStore(file, self._reactor), OwnFeed(hub)
