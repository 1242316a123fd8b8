"""Writing an object to S3: in one request if it is small, or else in parts."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Any

import attrs

from qabel.blockserver.object_store import StorageFailed
from qabel.blockserver.s3_answers import completion, failure, parse_fields
from qabel.blockserver.s3_requests import S3Request, S3Requests

PART = 8 * 2**20
"""Bytes of a part, which are in memory until the server has them."""

MOST_PARTS = 10_000
"""How many parts an object may have in S3."""


@attrs.define(eq=False, repr=False)
class PartBuffer:
    """What is not sent yet, with its digest: made piece by piece, it keeps nobody waiting."""

    pieces: list[bytes] = attrs.field(factory=list, init=False)
    size: int = attrs.field(default=0, init=False)
    _hash: Any = attrs.field(factory=sha256, init=False)

    def add(self, data: bytes) -> bytes:
        """Take what there is room for; return the rest."""
        piece, rest = data[: PART - self.size], data[PART - self.size :]
        self.pieces.append(piece)
        self.size += len(piece)
        self._hash.update(piece)
        return rest

    def request(self, method: str, name: str, *query: tuple[str, str]) -> S3Request:
        """Return a request that has it as its body."""
        return S3Request(method, name, query, self.pieces, self._hash.hexdigest())


@attrs.define(eq=False, repr=False)
class S3Writer:
    """Writes a new object.

    Args:
        requests: sends them.
        name: of the object.
        settled: called when it was given up.

    """

    _requests: S3Requests
    name: str
    _settled: Callable[[str], None]
    _part: PartBuffer = attrs.field(factory=PartBuffer, init=False)
    _upload: str = attrs.field(default="", init=False)
    """The id of the upload in parts; empty while there is none."""
    _tags: list[str] = attrs.field(factory=list, init=False)
    """What the server has called each part. They are given back to it, and mean nothing to us."""
    _total: int = attrs.field(default=0, init=False)
    """Bytes that the server has."""
    _may_be_there: bool = attrs.field(default=False, init=False)
    """Whether the object itself may be there, and not only parts."""

    async def write(self, data: bytes) -> None:
        """Write more of it. Raises StorageFailed."""
        while data:
            data = self._part.add(data)
            if self._part.size == PART:
                await self._send_part()

    async def finish(self) -> None:
        """Have it stored for good. Raises StorageFailed."""
        if self._upload and self._part.size:
            await self._send_part()
        self._may_be_there = True
        if self._upload:
            await self._complete()
        else:
            await self._requests.ask(self._part.request("PUT", self.name), 200)

    async def abort(self) -> None:
        """Delete what was written. What cannot be deleted is swept later."""
        self._part = PartBuffer()
        if self._upload:
            await self._try_to_delete([("uploadId", self._upload)])
        if self._may_be_there:
            await self._try_to_delete([])
        self._settled(self.name)

    async def _try_to_delete(self, query: Sequence[tuple[str, str]]) -> None:
        # Once is enough: it may be because the server fails, and a client waits.
        request = S3Request("DELETE", self.name, query, is_urgent=False)
        with suppress(StorageFailed):
            await self._requests.ask(request, 200, 204, 404)

    async def _send_part(self) -> None:
        """Send the part, and begin the next one. Raises StorageFailed."""
        if not self._upload:
            begun = await self._requests.ask(S3Request("POST", self.name, [("uploads", "")]), 200)
            fields = parse_fields(begun.body)
            self._upload = fields.get("UploadId", "")
            if not self._upload:
                raise StorageFailed("the S3 server gave no name to an upload")
        if len(self._tags) == MOST_PARTS:
            raise StorageFailed("an object has more parts than S3 takes")
        query = ("partNumber", str(len(self._tags) + 1)), ("uploadId", self._upload)
        sent = await self._requests.ask(self._part.request("PUT", self.name, *query), 200)
        self._tags.append(sent.response.header("ETag"))
        self._total += self._part.size
        self._part = PartBuffer()

    async def _complete(self) -> None:
        """Have an object made of the parts. Raises StorageFailed."""
        body = completion(self._tags)
        request = S3Request(
            "POST", self.name, [("uploadId", self._upload)], [body], sha256(body).hexdigest()
        )
        answer = await self._requests.ask(request, 200, 404)
        if answer.status == 404:
            # If the first answer was lost, the second one says that there is no such upload.
            if not await self._is_there():
                raise failure(answer.status, answer.body)
            return
        # An error can have this status, too: the server may begin to answer before it is done.
        parse_fields(answer.body)

    async def _is_there(self) -> bool:
        """Return whether the whole object is there. Raises StorageFailed."""
        answer = await self._requests.ask(S3Request("HEAD", self.name), 200, 404)
        return answer.status == 200 and answer.response.header("Content-Length") == str(self._total)
