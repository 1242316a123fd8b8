"""How a block server says that something cannot be done."""

from attrs import frozen
from twisted.logger import Logger
from twisted.python.failure import Failure

from qabel.blockserver.block_values import BlockRefused
from qabel.blockserver.index_thread import IndexUnavailable
from qabel.blockserver.object_store import ObjectGone, StorageFailed
from qabel.blockserver.upload import UploadAborted

SOON, LATER = 10, 900
"""Seconds after which a client may try again: after a failure, and when the disk is full."""

_log = Logger()


@frozen
class BlockRefusal:
    """A response to a request that is refused."""

    status: int
    text: str
    headers: tuple[tuple[str, str], ...] = ()


def refusal_of(error: Exception) -> BlockRefusal:
    """Return the response to a request that failed. What is not expected is logged."""
    if isinstance(error, BlockRefused):
        headers = () if error.etag is None else (("ETag", error.etag),)
        return BlockRefusal(error.status, error.text, headers)
    if isinstance(error, ObjectGone):
        return BlockRefusal(404, "File not found")
    if isinstance(error, StorageFailed) and error.is_full:
        _log.warn("the storage is full: {error}", error=str(error))
        return BlockRefusal(507, "Disk full", (("Retry-After", str(LATER)),))
    if isinstance(error, StorageFailed):
        _log.error("the storage cannot be used: {error}", error=str(error))
    elif not isinstance(error, IndexUnavailable | UploadAborted):
        _log.failure("a request failed", Failure(error))
    return BlockRefusal(503, "Unavailable", (("Retry-After", str(SOON)),))
