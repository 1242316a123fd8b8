"""All queues of postings, by what they are for and by server."""

from collections.abc import Collection, Iterator

from attrs import define, field

from qabel.core.backoff import Attempts
from qabel.core.sending.send_queue import SendQueue
from qabel.core.sending.server_queues import ServerQueues
from qabel.drop.url import DropURL
from qabel.store.outbox.sends import Posting, PostingQueue


@define(eq=False)
class SendQueues:
    """The queues in which anything waits, or whose servers asked for a pause."""

    _queues: dict[PostingQueue, SendQueue] = field(factory=dict, init=False)
    _servers: dict[str, ServerQueues] = field(factory=dict, init=False)

    def __len__(self) -> int:
        return len(self._queues)

    def get(self, key: PostingQueue) -> SendQueue | None:
        """Return a queue, or None if there is none."""
        return self._queues.get(key)

    def of(self, posting: Posting) -> SendQueue:
        """Return the queue of a posting, which is made if there is none."""
        found = self._queues.get(posting.queue)
        if found is None:
            found = SendQueue(posting.queue, DropURL.parse(posting.url).server)
            self._queues[found.key] = found
            server = self._servers.get(found.server)
            if server is None:
                server = self._servers[found.server] = ServerQueues(found.server)
            server.add(found)
        return found

    def of_servers(self, servers: Collection[str] | None) -> list[SendQueue]:
        """Return the queues of some servers, by their URLs; those of all for None."""
        if servers is None:
            return list(self._queues.values())
        known = [self._servers[each] for each in servers if each in self._servers]
        return [queue for server in known for queue in server.queues.values()]

    def remove(self, queue: SendQueue) -> None:
        """Forget a queue."""
        if self._queues.get(queue.key) is not queue:
            return
        del self._queues[queue.key]
        server = self._servers[queue.server]
        server.remove(queue)
        if not server.queues:
            del self._servers[queue.server]

    def clear(self) -> list[SendQueue]:
        """Forget all queues, and return them."""
        found = list(self._queues.values())
        self._queues.clear()
        self._servers.clear()
        return found

    def sleep(self, queue: SendQueue) -> None:
        """Note that the last attempt of a queue failed."""
        server = self._servers.get(queue.server)
        if server is not None:
            server.sleep(queue)

    def awake(self, queue: SendQueue) -> None:
        """Note that the last attempt of a queue did not fail."""
        server = self._servers.get(queue.server)
        if server is not None:
            server.awake(queue)

    def rouse(self, server: str, *, had_failed: bool) -> list[SendQueue]:
        """Return the queues to wake, as ``ServerQueues.rouse``."""
        found = self._servers.get(server)
        return [] if found is None else found.rouse(had_failed=had_failed)

    def failing(self) -> list[tuple[str, Attempts]]:
        """Return the servers to which something waits whose last attempt failed."""
        return list(self._failing())

    def _failing(self) -> Iterator[tuple[str, Attempts]]:
        for server in self._servers.values():
            trouble = server.trouble()
            if trouble is not None:
                yield server.server, trouble
