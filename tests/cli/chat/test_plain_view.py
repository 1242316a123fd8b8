"""Without a terminal, messages are printed, and lines are sent."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from qabel.cli.chat.message_lines import SideNames
from qabel.cli.chat.plain_view import PlainView, print_message
from qabel.cli.context import Session
from qabel.cli.errors import CommandError, ExitStatus
from qabel.cli.output import Output
from tests.cli.chat.conftest import Talkers
from tests.cli.chat.prepared_daemon import HERE, chat_message, prepared_daemon
from tests.cli.chat.terminals import CTRL_D, Terminal
from tests.cli.prepared_server import json_response, problem_response
from tests.integration.daemons import eventually
from tests.integration.processes import ROOT

NAMES = SideNames("Alice", "Bob")


def test_lines_are_sent(talkers: Talkers) -> None:
    """Each is a message, blank ones are none; the other side prints them, and has read them."""
    sent = talkers.qabel("chat", "Bob", stdin="One\n\n \nZwei ä\r\n".encode())
    assert sent.exit_status == 0
    assert [line[21:].partition(" [")[0] for line in sent.out.splitlines()[-2:]] == [
        "Alice: One",
        "Alice: Zwei ä",
    ]

    def received() -> bool:
        return [each["text"] for each in talkers.other_qabel.json("chat", "Alice")][-2:] == [
            "One",
            "Zwei ä",
        ]

    eventually(received, "not received")
    assert talkers.bob.api.good("GET", "/chat/unread")["total"] == 0
    assert talkers.other_qabel("chat", "Alice", "-n", "0").out == ""


def test_a_terminal_that_can_do_nothing(talkers: Talkers) -> None:
    """It is used line by line."""
    with Terminal(talkers.alice.directory, "chat", "Bob", term="dumb") as alice:
        alice.type("from a dumb one\r")
        alice.wait_for("Alice: from a dumb one [")
        alice.type(CTRL_D)
        assert alice.ended() == 0
    assert b"\x1b[?1049h" not in alice.raw


def test_what_arrives_is_printed_as_long_as_lines_may_come(talkers: Talkers) -> None:
    """Another program can talk through it: each message is printed once, and read."""
    command = [sys.executable, "-m", "qabel", "--data-dir", str(talkers.alice.directory)]
    with subprocess.Popen(
        [*command, "chat", "Bob", "--json", "-n", "0"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"Anybody there?\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["text"] == "Anybody there?"
        talkers.other_qabel("chat", "Alice", stdin=b"Yes\n")
        answer = json.loads(process.stdout.readline())
        assert (answer["direction"], answer["text"]) == ("in", "Yes")
        eventually(lambda: talkers.alice.api.good("GET", "/chat/unread")["total"] == 0, "unread")
        process.stdin.close()
        assert process.wait(60) == 0
        assert process.stdout.read() == b""


@contextmanager
def a_view(folder: Path, *responses: bytes) -> Iterator[tuple[PlainView, io.StringIO, io.StringIO]]:
    """Return a view of a daemon that responds so, and what is printed."""
    left, out, err = list(responses), io.StringIO(), io.StringIO()
    with prepared_daemon(folder, lambda _: left.pop(0)):
        session = Session({"data_dir": str(folder)}, Output(out=out, err=err))
        yield PlainView(session, HERE), out, err


def sent(number: int, **more: Any) -> bytes:
    """Return the response to a message that was taken."""
    return json_response(chat_message(number, "out", **more))


def test_lines_that_cannot_be_sent(tmp_path: Path) -> None:
    """The others are sent all the same; the exit status tells."""
    responses = sent(1), problem_response(413, detail="Too long."), sent(2, state="failed"), sent(3)
    with a_view(tmp_path, *responses) as (view, out, err):
        with pytest.raises(CommandError) as caught:
            view.send_lines(io.BytesIO(b"a\nbad\n\xff\nlate\nb\n"))
        assert caught.value.message == "3 messages of the input could not be sent"
        assert out.getvalue().count("Alice: ") == 3
        assert [line.partition(" Shorten")[0] for line in err.getvalue().splitlines()] == [
            "qabel: Line 2 was not sent: Too long.",
            "qabel: Line 3 was not sent: It is not UTF-8.",
        ]


def test_a_daemon_that_goes_away(tmp_path: Path) -> None:
    """Nothing more is read, and the error says which line was the first that was not sent."""
    with a_view(tmp_path, sent(1), b"") as (view, _, _):
        lines = io.BytesIO(b"one\ntwo\nthree\n")
        with pytest.raises(CommandError) as caught:
            view.send_lines(lines)
        assert caught.value.message.startswith("Line 2 was not sent: The daemon at ")
        assert caught.value.exit_status == ExitStatus.UNREACHABLE


def test_trouble_is_reported_once(tmp_path: Path) -> None:
    """However often it is seen; then what is new is printed again."""
    with a_view(tmp_path) as (view, out, err):
        view.report("Lost.")
        view.timeline.add([chat_message(1, "out")])
        view.report("Lost.")
        assert (out.getvalue(), err.getvalue()) == ("", "Lost.\n")
        view.report("")
        view.report("")
        assert out.getvalue().count("text 1") == 1


def test_several_lines() -> None:
    """Those after the first are marked, and the state is at the end."""
    out = Output(out=io.StringIO(), err=io.StringIO())
    print_message(out, chat_message(1, "out", text="a\x1b\nb"), NAMES)
    first, second = out.out.getvalue().splitlines()  # type: ignore[attr-defined]
    assert first[21:] == r"Alice: a\x1b"
    assert second == f"{' ' * 19}  | b [sent]"
