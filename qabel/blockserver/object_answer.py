"""The response to a GET of an object, written no faster than the client reads it."""

from operator import methodcaller

from attrs import define
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from qabel.blockserver.block_request import BlockRequest
from qabel.blockserver.block_values import (
    ObjectPath,
    StoredObject,
    names_version,
    parse_tags,
)
from qabel.blockserver.byte_range import ByteRange, UnsatisfiableRange, parse_range
from qabel.blockserver.index_thread import IndexThread
from qabel.blockserver.object_store import ObjectGone, ObjectReader, ObjectStore, StorageFailed
from qabel.host.http_server.flow import Flow

PIECE = 256 * 1024
"""Bytes that are read from the storage at once."""

STALL_TIMEOUT = 120.0
"""Seconds after which a client that reads nothing is disconnected."""


@define(eq=False, repr=False)
class ObjectAnswer:
    """The response to one request.

    Args:
        request: a GET or HEAD.
        index: says what is there.
        store: has it.
        reactor: measures how long a client reads nothing.

    """

    _request: BlockRequest
    _index: IndexThread
    _store: ObjectStore
    _reactor: IReactorTime

    _log = Logger()

    async def send(self, path: ObjectPath) -> None:
        """Send what is at a path. Raises ObjectGone, StorageFailed, IndexUnavailable."""
        missing = ""
        while True:
            there = await self._index.run(methodcaller("find", path))
            if there is None:
                raise ObjectGone
            if there.object == missing:
                raise StorageFailed("an object is missing, though it is in the index")
            try:
                await self._send(there)
            except ObjectGone:
                # It was replaced after it was found: then there is another one now.
                missing = there.object
            else:
                return

    async def _send(self, there: StoredObject) -> None:
        request = self._request
        known = parse_tags(request.requestHeaders.getRawHeaders("If-None-Match"))
        if known is not None and names_version(known, there.etag):
            request.responseHeaders.setRawHeaders("ETag", [there.etag])
            request.respond(304)
            return
        try:
            part = self._range(there)
        except UnsatisfiableRange:
            request.responseHeaders.setRawHeaders("Content-Range", [f"bytes */{there.size}"])
            request.reject(416, "Range not satisfiable")
            return
        begin, end = (0, there.size) if part is None else (part.begin, part.end)
        reader = await self._store.open(there.object, begin, end)
        try:
            if request.is_connected:
                self._begin(there, part)
                if request.method != b"HEAD":
                    await self._write(reader, end - begin)
        finally:
            await reader.close()
        if request.is_connected:
            request.finish()

    def _begin(self, there: StoredObject, part: ByteRange | None) -> None:
        headers = self._request.responseHeaders
        size = there.size
        if part is not None:
            self._request.setResponseCode(206)
            headers.setRawHeaders("Content-Range", [part.content_range(there.size)])
            size = part.end - part.begin
        headers.setRawHeaders("ETag", [there.etag])
        headers.setRawHeaders("Accept-Ranges", ["bytes"])
        headers.setRawHeaders("Content-Type", ["application/octet-stream"])
        headers.setRawHeaders("Content-Length", [str(size)])

    def _range(self, there: StoredObject) -> ByteRange | None:
        given = self._request.requestHeaders
        expected = given.getRawHeaders("If-Range")
        if expected is not None and expected != [there.etag]:
            return None
        return parse_range(given.getRawHeaders("Range", [None])[-1], there.size)

    async def _write(self, reader: ObjectReader, left: int) -> None:
        flow = Flow(self._request, self._reactor, STALL_TIMEOUT)
        flow.start()
        try:
            while left and self._request.is_connected:
                data = await reader.read(PIECE)
                if not data:
                    raise StorageFailed("an object is shorter than it was")
                left -= len(data)
                await flow.write(data)
        except StorageFailed as error:
            # Nobody may take it for the whole.
            self._log.error("an object cannot be read: {error}", error=str(error))
            self._request.abort()
        finally:
            flow.end()
