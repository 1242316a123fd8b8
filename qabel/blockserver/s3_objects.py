"""Objects in a bucket of S3, or of a server that speaks the same."""

import re
from collections.abc import AsyncIterator, Sequence

import attrs

from qabel.blockserver.object_store import ObjectGone, StorageFailed, new_object_name
from qabel.blockserver.s3_answers import LARGEST, S3Page, failure, parse_page, reason_of
from qabel.blockserver.s3_body import S3Body
from qabel.blockserver.s3_requests import S3Request, S3Requests, S3Response
from qabel.blockserver.s3_upload import PartBuffer, S3Writer
from qabel.deferreds import FairLock

OWNER = "qabel-block"
"""The object that says which index the others belong to."""

CLOSE_TIME = 5.0
"""Seconds in which requests that are under way may be answered in the end."""

PAGE_SIZE = "1000"

_NAME = re.compile(r"[0-9a-f]{32}", re.ASCII)
"""What is not called so is not ours, and never touched."""

_NO_UPLOADS = (404, 405, 501)
"""What is answered to who wants a list of uploads, where there are none or cannot be any."""


@attrs.define(eq=False, repr=False)
class S3Objects:
    """A bucket with objects, or the part of it whose keys begin in one way.

    Args:
        requests: sends them to the bucket, which nothing else may use.
        mark: of the index. Objects are written and listed only where no other index has any: two
            servers in one place would delete each other's objects.

    """

    _requests: S3Requests
    _mark: str
    _written: set[str] = attrs.field(factory=set, init=False)
    """The objects that are being written, or were, and are at no path yet."""
    _is_ours: bool = attrs.field(default=False, init=False)
    """Whether it is known that the place has the objects of no other index."""

    _claiming: FairLock = attrs.field(factory=FairLock, init=False)
    """For who looks at the mark in the place: it is written once."""

    async def create(self) -> S3Writer:
        """Begin a new object under a new name. Raises StorageFailed."""
        await self._claim(once=True)
        name = new_object_name()
        self._written.add(name)
        return S3Writer(self._requests, name, self.settled)

    async def open(self, name: str, begin: int, end: int) -> "S3Reader":
        """Open a part of an object. Raises ObjectGone, StorageFailed."""
        if begin >= end:
            # No range is empty, so that it cannot be requested.
            answer = await self._requests.ask(S3Request("HEAD", name), 200, 404)
            if answer.status == 404:
                raise ObjectGone
            return S3Reader(None, 0)
        wanted = {"Range": f"bytes={begin}-{end - 1}"}
        response = await self._requests.open(S3Request("GET", name, headers=wanted))
        if not _is_part(response, begin):
            await _refuse(response)
        return S3Reader(response.body, end - begin)

    async def delete(self, name: str) -> None:
        """Delete an object, if it is there. Raises StorageFailed."""
        answer = await self._requests.ask(S3Request("DELETE", name), 200, 204, 404)
        if answer.status == 404 and answer.reason == "NoSuchBucket":
            raise failure(answer.status, answer.body)

    def settled(self, name: str) -> None:
        """Note that a new object is at a path now, or was given up."""
        self._written.discard(name)

    async def names(self) -> list[str]:
        """Return the names of all objects, without those that are being written.

        Uploads that nobody continues are ended. Raises StorageFailed.
        """
        await self._claim(once=False)
        found = list[str]()
        query = [("list-type", "2"), ("max-keys", PAGE_SIZE)]
        nexts = [("continuation-token", "NextContinuationToken")]
        async for page in self._pages(query, nexts, "Contents"):
            found += [name for each in page.items if (name := self._name(each))]
        await self._end_uploads()
        return [each for each in found if each not in self._written]

    async def close(self) -> None:
        """End what is under way."""
        await self._requests.close(CLOSE_TIME)

    async def _claim(self, *, once: bool) -> None:
        """Check that the objects belong to this index. Raises StorageFailed.

        Args:
            once: whether it is enough that it was found before.

        """
        await self._claiming.acquire()
        try:
            if not (once and self._is_ours):
                await self._compare_marks()
        finally:
            self._claiming.release()

    async def _compare_marks(self) -> None:
        """Check the mark in the place, or write it if there is none. Raises StorageFailed.

        It is read again after it was written: another server may do the same.
        """
        answer = await self._requests.ask(S3Request("GET", OWNER), 200, 404)
        if answer.status == 404:
            mark = PartBuffer()
            mark.add(self._mark.encode())
            await self._requests.ask(mark.request("PUT", OWNER), 200)
            answer = await self._requests.ask(S3Request("GET", OWNER), 200)
        self._is_ours = answer.body == self._mark.encode()
        if not self._is_ours:
            raise StorageFailed(
                f"{self._requests.place.text} has the objects of another block server, or of"
                " another index: none are stored or deleted"
            )

    async def _end_uploads(self) -> None:
        """End the uploads that a process has left behind. Raises StorageFailed."""
        query = [("uploads", ""), ("max-uploads", PAGE_SIZE)]
        nexts = [("key-marker", "NextKeyMarker"), ("upload-id-marker", "NextUploadIdMarker")]
        async for page in self._pages(query, nexts, "Upload"):
            for each in page.items:
                name, upload = self._name(each), each.get("UploadId", "")
                if name and upload and name not in self._written:
                    request = S3Request("DELETE", name, [("uploadId", upload)])
                    await self._requests.ask(request, 200, 204, 404)

    async def _pages(
        self, query: Sequence[tuple[str, str]], nexts: Sequence[tuple[str, str]], item: str
    ) -> AsyncIterator[S3Page]:
        """Yield the pages of a list. Raises StorageFailed.

        Args:
            query: what is to be listed.
            nexts: what asks for the next page, and where its value is found.
            item: the name of the elements that are listed.

        """
        words = [*query, ("prefix", self._requests.place.prefix)]
        more: list[tuple[str, str]] = []
        while True:
            allowed = (200, *_NO_UPLOADS) if item == "Upload" else (200,)
            answer = await self._requests.ask(S3Request("GET", query=[*words, *more]), *allowed)
            if answer.status != 200:
                return
            page = parse_page(answer.body, item)
            yield page
            before, more = more, [(word, page.fields.get(name, "")) for word, name in nexts]
            if page.fields.get("IsTruncated", "").strip() != "true":
                return
            if more == before or not more[0][1]:
                raise StorageFailed("the S3 server lists the same again and again")

    def _name(self, item: dict[str, str]) -> str:
        name = self._requests.place.name(item.get("Key", ""))
        return name if _NAME.fullmatch(name) else ""


@attrs.define(eq=False, repr=False)
class S3Reader:
    """Reads a part of an object."""

    _body: S3Body | None
    _left: int

    async def read(self, size: int) -> bytes:
        """Return the next bytes; none at the end. Raises StorageFailed."""
        if self._body is None or not self._left:
            return b""
        data = await self._body.read(min(size, self._left))
        self._left -= len(data)
        # The end of the answer comes with its last bytes: then the connection can be used again.
        if data and not self._left and await self._body.read(1):
            raise StorageFailed("the S3 server sends more than the wanted part of an object")
        return data

    async def close(self) -> None:
        """Read no more."""
        body, self._body = self._body, None
        if body is not None:
            body.abort()


def _is_part(response: S3Response, begin: int) -> bool:
    """Return whether an answer has the part of an object that begins somewhere."""
    # Some servers say 200 then, though the answer is a part; what counts is where it begins.
    where = response.header("Content-Range")
    return response.status in (200, 206) and where.startswith(f"bytes {begin}-")


async def _refuse(response: S3Response) -> None:
    """Raise what an answer means that is none of the wanted ones."""
    if response.status in (200, 206):
        response.body.abort()
        raise StorageFailed("the S3 server does not send the wanted part of an object")
    body = await response.body.read_all(LARGEST)
    if response.status == 404 and reason_of(body) != "NoSuchBucket":
        raise ObjectGone
    raise failure(response.status, body)
