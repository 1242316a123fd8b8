"""What a drop server needs of what stores its messages, and how that fails."""

from collections.abc import Callable, Iterable
from typing import ClassVar, Protocol, TypeVar

from twisted.internet.defer import Deferred

from qabel.dropserver.admission import Full
from qabel.dropserver.message_purge import MessagePurge
from qabel.dropserver.message_values import Post, Row, Selection, Since
from qabel.dropserver.usage import Usage

T = TypeVar("T")


class StoreUnavailable(Exception):
    """The messages cannot be read or stored now: the disk fails, or the server is stopping."""

    wait: ClassVar[float] = 60.0
    """Seconds after which clients are asked to come again."""


class NoRoom(Exception):
    """There is no room for a message."""

    def __init__(self, full: Full) -> None:
        super().__init__(full.value)
        self.full = full


class Storage(Protocol):
    """Stores messages.

    Every method returns a Deferred, which fails with nothing but StoreUnavailable, and ``append``
    with NoRoom.
    """

    def append(self, post: Post) -> "Deferred[int]":
        """Store a message; fires with its stamp once it is on the disk."""

    def open(
        self, drop_id: str, since: Since | None, limit: int
    ) -> "Deferred[tuple[Selection, list[Row]] | None]":
        """Select the messages of a drop, and read the first of them.

        Args:
            drop_id: of the drop.
            since: what the reader has already; None for nothing.
            limit: messages to read at once.

        Returns:
            The selection and its first messages, or None if there are none.

        """

    def read(
        self, drop_id: str, after: int, newest: int, limit: int, make: Callable[[list[Row]], T]
    ) -> "Deferred[T]":
        """Read up to ``limit`` messages with ``after < stamp <= newest``, oldest first.

        It fires with what ``make`` returns, which is called with them on the thread that read them.
        """

    def expire(self) -> "Deferred[int]":
        """Delete some messages that are too old or too many; fires with how many, 0 at the end."""

    def note_asked(self, drop_ids: Iterable[str]) -> "Deferred[None]":
        """Note that somebody asks for drops; to open one notes it, too."""

    def keep_asked(self) -> "Deferred[bool]":
        """Write down some of what was noted; fires with whether there is more."""

    def purge(self, purge: MessagePurge) -> "Deferred[MessagePurge]":
        """Do a step of a purge."""

    def usage(self) -> "Deferred[Usage]":
        """Return what the messages take, and whether more can be stored."""

    def forget_deleted(self) -> "Deferred[None]":
        """Remove from the disk what was deleted."""

    def close(self) -> "Deferred[None]":
        """Finish what was asked for before, then close; fires when that is done."""
