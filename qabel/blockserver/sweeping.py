"""Deleting objects that are at no path: what a crash, or a failure to delete, has left."""

from operator import methodcaller

from twisted.logger import Logger

from qabel.blockserver.index_thread import IndexThread
from qabel.blockserver.object_store import ObjectStore, StorageFailed

TOGETHER = 500
"""Objects that are looked up at once, so that requests do not wait long."""

_log = Logger()


async def discard(store: ObjectStore, name: str) -> None:
    """Delete an object that is at no path any more. If that fails, it is swept later."""
    try:
        await store.delete(name)
    except StorageFailed as error:
        _log.warn("an object will be deleted later: {error}", error=str(error))


async def sweep(index: IndexThread, store: ObjectStore) -> int:
    """Delete all objects that are at no path; return how many there were.

    Args:
        index: says which are at a path. It is asked after all names are known: what is uploaded
            meanwhile is at its path before the storage counts it as settled.
        store: has the objects.

    Raises:
        StorageFailed, IndexUnavailable: some are left for the next time.

    """
    count = 0
    names = await store.names()
    for begin in range(0, len(names), TOGETHER):
        some = names[begin : begin + TOGETHER]
        unknown = await index.run(methodcaller("unknown", some))
        for name in unknown:
            await store.delete(name)
        count += len(unknown)
    if count:
        _log.info("{count} objects that belonged to no file were deleted", count=count)
    return count
