"""What is entered is sent once, in order, whatever becomes of the connection."""

from pathlib import Path

import pytest

from qabel.cli.chat.courier import Courier, is_passing
from qabel.cli.chat.timeline import Timeline
from qabel.cli.errors import CommandError, ExitStatus
from tests.cli.chat.prepared_daemon import HERE, chat_message, prepared_daemon
from tests.cli.prepared_server import json_response, problem_response

PATIENCE = 30.0


def test_in_order_and_once(tmp_path: Path) -> None:
    """A request without an answer is sent again with its key, before what was entered later."""
    answers = [
        problem_response(503, detail="Later"),
        b"",
        json_response(chat_message(7, "out", text="a")),
        json_response(chat_message(8, "out", text="b")),
    ]
    with prepared_daemon(tmp_path, lambda _: answers.pop(0)) as daemon:
        timeline = Timeline()
        courier = Courier(daemon.client, HERE, timeline)
        courier.send("a")
        courier.send("b")
        assert [each.text for each in courier.pending] == ["a", "b"]
        courier.start()
        assert courier.finish(PATIENCE) == []
        assert [each["text"] for each in timeline.messages] == ["a", "b"]
        first, *again, second = daemon.keys
        assert again == [first, first]
        assert second != first


def test_what_is_rejected(tmp_path: Path) -> None:
    """It stays with the reason, and does not hold up what was entered later."""
    answers = [problem_response(413, detail="Too long."), json_response(chat_message(8, "out"))]
    with prepared_daemon(tmp_path, lambda _: answers.pop(0)) as daemon:
        timeline = Timeline()
        courier = Courier(daemon.client, HERE, timeline)
        courier.send("a")
        courier.send("b")
        courier.start()
        assert courier.finish(PATIENCE) == []
        assert [(each.text, each.failure) for each in courier.pending] == [("a", "Too long.")]
        assert timeline.has(8)


def test_read_marks(tmp_path: Path) -> None:
    """They are sent once; whether the daemon takes them does not matter."""
    with prepared_daemon(tmp_path, lambda _: problem_response(404, detail="No")) as daemon:
        courier = Courier(daemon.client, HERE, Timeline())
        courier.mark_read("7-0")
        courier.start()
        assert courier.finish(PATIENCE) == []
        assert daemon.asked == [f"PUT /chat/conversations/{HERE.id}/read"]


def test_what_is_left_at_the_end(tmp_path: Path) -> None:
    """Without a daemon, it is returned."""
    with prepared_daemon(tmp_path, lambda _: b"") as daemon:
        courier = Courier(daemon.client, HERE, Timeline())
        courier.start()
        courier.send("a")
        assert [each.text for each in courier.finish(0)] == ["a"]


@pytest.mark.parametrize(
    ("error", "passing"),
    [
        (CommandError("", exit_status=ExitStatus.UNREACHABLE), True),
        (CommandError("", http_status=429), True),
        (CommandError("", http_status=507), True),
        (CommandError("", http_status=409), False),
    ],
)
def test_what_may_pass(error: CommandError, passing: bool) -> None:
    """A daemon that is away, busy or full; not one that refuses."""
    assert is_passing(error) is passing
