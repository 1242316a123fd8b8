"""One upload: a body that goes to the storage as it arrives, no faster than that takes it."""

from collections.abc import Callable
from typing import Protocol

import attrs
from twisted.internet.defer import Deferred

from qabel.blockserver.block_values import Conditions, ObjectPath, StoredObject
from qabel.blockserver.index_thread import IndexThread, IndexUnavailable
from qabel.blockserver.object_store import ObjectStore, ObjectWriter
from qabel.blockserver.sweeping import discard

PIECE = 256 * 1024
"""Bytes that are written to the storage at once."""


class UploadSource(Protocol):
    """Where a body comes from."""

    def pause(self) -> None:
        """Let nothing more arrive for now; what has arrived may still come."""

    def resume(self) -> None:
        """Let more arrive."""


@attrs.define(eq=False, repr=False)
class Upload:
    """Stores one object.

    It is admitted by the index first, and put at its path by it last. Whatever happens between,
    what was there stays there.

    Args:
        index: says whether it may be stored.
        store: stores it.
        token: of the client.
        path: where it shall be.
        conditions: what must be there.
        size: its bytes; 0 if that is not known yet.
        source: where it comes from.

    """

    _index: IndexThread
    _store: ObjectStore
    _token: str
    path: ObjectPath
    _conditions: Conditions
    _size: int
    _source: UploadSource
    _arrived: list[bytes] = attrs.field(factory=list, init=False)
    """What is not given to the storage yet."""
    _count: int = attrs.field(default=0, init=False)
    """Bytes of that."""
    _total: int = attrs.field(default=0, init=False)
    """Bytes of all that arrived."""
    _is_whole: bool = attrs.field(default=False, init=False)
    _is_aborted: bool = attrs.field(default=False, init=False)
    _more: "Deferred[None] | None" = attrs.field(default=None, init=False)
    """Fires when there is something to do for the writing."""
    _done: "Deferred[StoredObject] | None" = attrs.field(default=None, init=False)

    def begin(self, on_refused: Callable[[Exception], None]) -> None:
        """Begin.

        Args:
            on_refused: called if it fails before all has arrived.

        """
        self._source.pause()
        self._done = Deferred.fromCoroutine(self._run(on_refused))

    def receive(self, data: bytes) -> None:
        """Take a part of the body."""
        if self._is_aborted:
            return
        self._arrived.append(data)
        self._count += len(data)
        self._total += len(data)
        if self._count >= PIECE:
            self._source.pause()
            self._wake()

    def complete(self) -> "Deferred[StoredObject]":
        """Note that all has arrived; fires with what is stored now.

        Fails with BlockRefused, StorageFailed or IndexUnavailable: then nothing is changed.
        """
        self._is_whole = True
        self._wake()
        if self._done is None:
            raise RuntimeError("it was not begun")
        return self._done

    def abort(self) -> None:
        """Note that the rest will never arrive, or that nobody is told what became of it."""
        self._is_aborted = True
        self._wake()
        if self._done is not None:
            self._done.addErrback(lambda _: None)

    def _wake(self) -> None:
        more, self._more = self._more, None
        if more is not None:
            more.callback(None)

    async def _run(self, on_refused: Callable[[Exception], None]) -> StoredObject:
        try:
            admitted = self._index.run(
                lambda index: index.admit(self._token, self.path, self._conditions, self._size)
            )
            await admitted
            return await self._write(await self._store.create())
        except Exception as error:
            self._arrived.clear()
            self._is_aborted, was_aborted = True, self._is_aborted
            if not self._is_whole and not was_aborted:
                on_refused(error)
            raise

    async def _write(self, writer: ObjectWriter) -> StoredObject:
        try:
            while not self._is_aborted:
                if self._count:
                    data, self._count = b"".join(self._arrived), 0
                    self._arrived.clear()
                    await writer.write(data)
                elif self._is_whole:
                    return await self._put(writer)
                else:
                    self._source.resume()
                    await self._wait()
            raise UploadAborted
        except IndexUnavailable:
            # It may be at its path or not: if it is not, it is swept later.
            self._store.settled(writer.name)
            raise
        except Exception:
            await writer.abort()
            raise

    async def _wait(self) -> None:
        """Wait until there is a whole piece, or the end."""
        if not (self._count >= PIECE or self._is_whole or self._is_aborted):
            self._more = Deferred()
            await self._more

    async def _put(self, writer: ObjectWriter) -> StoredObject:
        await writer.finish()
        new = StoredObject(writer.name, self._total)
        before = await self._index.run(
            lambda index: index.put(self._token, self.path, self._conditions, new)
        )
        self._store.settled(writer.name)
        if before:
            await discard(self._store, before)
        return new


class UploadAborted(Exception):
    """The client has gone before all had arrived."""
