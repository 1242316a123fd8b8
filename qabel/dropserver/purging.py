"""A purge of a running drop server: step by step, so that it goes on serving meanwhile."""

from collections.abc import Callable

from twisted.logger import Logger

from qabel.dropserver.message_purge import MessagePurge
from qabel.dropserver.storage import Storage

_log = Logger()


async def purge_messages(
    store: Storage, purge: MessagePurge, is_wanted: Callable[[], bool]
) -> None:
    """Do a purge to its end, or until it is wanted no more, and log what it has deleted.

    Raises StoreUnavailable; ``purge`` has what it has done so far in any case.
    """
    try:
        while is_wanted() and not (await store.purge(purge)).is_done:
            pass
        if purge.purged.messages and not purge.is_dry_run:
            await store.forget_deleted()
    finally:
        if not purge.is_dry_run:
            _log.info(
                "Purged {messages} messages of {drops} drops that nobody has asked for.",
                messages=purge.purged.messages,
                drops=purge.purged.drops,
            )
