"""All queues: found by what they are for and by server, and forgotten."""

from qabel.core.sending.send_queues import SendQueues
from tests.core.items import posting

ONE, TWO = "http://one.example", "http://two.example"


def test_a_queue_for_each_sender_recipient_and_url() -> None:
    """Postings that differ in one of the three are in different queues, others in the same."""
    queues = SendQueues()
    own = queues.of(posting(1))
    assert queues.of(posting(1)) is own
    assert queues.of(posting(1, sender=b"\2" * 32)) is not own
    assert queues.of(posting(2)) is not own
    assert queues.of(posting(1, TWO)) is not own
    assert len(queues) == 4
    assert queues.get(posting(1).queue) is own
    assert queues.get(posting(3).queue) is None


def test_queues_by_server() -> None:
    """The queues of some servers are found by their URLs, and by none those of all."""
    queues = SendQueues()
    one, two = queues.of(posting(1, ONE)), queues.of(posting(2, TWO))
    assert (one.server, two.server) == (ONE, TWO)
    assert queues.of_servers([ONE, "http://other.example"]) == [one]
    assert queues.of_servers([]) == []
    assert queues.of_servers(None) == [one, two]


def test_forgotten_queues() -> None:
    """What is removed is found no more and wakes up no more, and removing it twice does no harm."""
    queues = SendQueues()
    queue, other = queues.of(posting(1)), queues.of(posting(2))
    for each in (queue, other):
        each.postings.append(posting(1))
        each.failed(0, "no", 60)
        queues.sleep(each)
    assert [(name, each.failures) for name, each in queues.failing()] == [(ONE, 1)]
    queues.remove(queue)
    queues.remove(queue)
    assert queues.rouse(ONE, had_failed=True) == [other]
    queues.remove(other)
    assert queues.rouse(ONE, had_failed=True) == queues.failing() == []
    assert len(queues) == 0
    queues.sleep(queue)
    queues.awake(queue)
    assert queues.of(posting(1)) is not queue


def test_forgetting_all() -> None:
    """All queues are returned when they are forgotten, for their work to be cancelled."""
    queues = SendQueues()
    queue = queues.of(posting(1))
    assert queues.clear() == [queue]
    assert queues.of_servers(None) == queues.of_servers([ONE]) == []
