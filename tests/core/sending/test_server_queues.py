"""The queues of one server: who is woken when it is seen to work, and how often."""

from qabel.core.sending.send_queue import SendQueue
from qabel.core.sending.server_queues import ServerQueues
from tests.core.items import posting

SERVER = "http://one.example"


def server_with(count: int) -> tuple[ServerQueues, list[SendQueue]]:
    """Return a server with queues."""
    server = ServerQueues(SERVER)
    queues = [SendQueue(posting(number).queue, SERVER) for number in range(count)]
    for each in queues:
        each.postings.append(posting(1))
        server.add(each)
    return server, queues


def fail(server: ServerQueues, queue: SendQueue, error: str = "no", now: float = 0.0) -> None:
    """Have the last attempt of a queue fail."""
    queue.failed(now, error, 60)
    server.sleep(queue)


def test_only_those_that_failed_are_woken() -> None:
    """A queue that has no trouble needs nobody to wake it."""
    server, (one, two, _) = server_with(3)
    fail(server, one)
    fail(server, two)
    two.succeeded(1)
    server.awake(two)
    assert server.rouse(had_failed=True) == [one]


def test_a_queue_is_woken_once_for_each_failure() -> None:
    """Of many successes only one counts until the queue has tried again."""
    server, [queue] = server_with(1)
    fail(server, queue)
    assert server.rouse(had_failed=True) == [queue]
    assert server.rouse(had_failed=True) == []
    fail(server, queue)
    assert server.rouse(had_failed=True) == [queue]


def test_a_queue_that_the_server_refuses_alone() -> None:
    """Where others have no trouble, a queue that was woken in vain is left alone."""
    server, [queue] = server_with(1)
    fail(server, queue)
    assert server.rouse(had_failed=False) == [queue]
    fail(server, queue)
    assert server.rouse(had_failed=False) == []
    assert server.rouse(had_failed=True) == [queue]
    queue.succeeded(1)
    server.awake(queue)
    fail(server, queue)
    assert server.rouse(had_failed=False) == [queue]


def test_the_last_error_says_whether_it_is_about_a_group_token() -> None:
    """Of queues that failed for different reasons, the flag goes with the text."""
    server, (one, two) = server_with(2)
    for now in range(3):
        fail(server, one, "Out of order.", now)
    two.failed(9, "It wants its token.", 60, is_not_admitted=True)
    trouble = server.trouble()
    assert trouble is not None
    assert (trouble.failures, trouble.last_error) == (3, "It wants its token.")
    assert trouble.is_not_admitted


def test_a_message_that_is_rejected() -> None:
    """That others have no trouble says nothing about a message that the server does not take."""
    server, [queue] = server_with(1)
    queue.put_off(0, 60)
    server.sleep(queue)
    assert server.rouse(had_failed=False) == []
    assert server.rouse(had_failed=True) == [queue]


def test_a_queue_that_is_gone() -> None:
    """A queue that was removed is not woken."""
    server, [queue, other] = server_with(2)
    fail(server, queue)
    fail(server, other)
    server.remove(queue)
    assert server.rouse(had_failed=True) == [other]
    assert server.queues == {other.key: other}


def test_what_is_wrong_with_a_server() -> None:
    """The longest series of failures counts, with the latest error, while anything waits."""
    server, (one, two, three) = server_with(3)
    assert server.trouble() is None
    fail(server, one, "first", 1)
    fail(server, one, "second", 2)
    fail(server, two, "last", 3)
    three.succeeded(4)
    trouble = server.trouble()
    assert trouble is not None
    assert (trouble.failures, trouble.last_error, trouble.last_failure) == (2, "last", 3)
    two.postings.clear()
    trouble = server.trouble()
    assert trouble is not None
    assert trouble.last_error == "second"
    one.postings.clear()
    assert server.trouble() is None
