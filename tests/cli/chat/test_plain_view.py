"""Without a terminal, messages are printed, and lines are sent."""

import io
from collections.abc import Mapping
from typing import Any

import pytest

from qabel.cli.chat.message_lines import SideNames
from qabel.cli.chat.plain_view import print_message, send_lines
from qabel.cli.errors import CommandError, ExitStatus
from qabel.cli.output import Output
from tests.cli.chat.conftest import Talkers
from tests.cli.chat.prepared_daemon import chat_message
from tests.cli.chat.terminals import CTRL_D, Terminal
from tests.integration.daemons import eventually

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


def output() -> Output:
    """Return an output into memory."""
    return Output(out=io.StringIO(), err=io.StringIO())


def test_lines_that_cannot_be_sent() -> None:
    """The others are sent all the same; the exit status tells."""

    def send(text: str) -> Mapping[str, Any]:
        if text == "bad":
            raise CommandError("Too long.", http_status=413)
        return chat_message(1, "out", text=text, state="failed" if text == "late" else "sent")

    out = output()
    with pytest.raises(CommandError) as caught:
        send_lines(out, io.BytesIO(b"a\nbad\n\xff\nlate\nb\n"), send, NAMES)
    assert caught.value.message == "3 messages of the input could not be sent"
    assert out.out.getvalue().count("Alice: ") == 3  # type: ignore[attr-defined]
    assert out.err.getvalue().splitlines() == [  # type: ignore[attr-defined]
        "qabel: Line 2 was not sent: Too long.",
        "qabel: Line 3 was not sent: It is not UTF-8.",
    ]


def test_a_daemon_that_goes_away() -> None:
    """Nothing more is read, and the error says which line was the first that was not sent."""

    def send(text: str) -> Mapping[str, Any]:
        if text == "two":
            raise CommandError("Gone", exit_status=ExitStatus.UNREACHABLE)
        return chat_message(1, "out", text=text)

    lines = io.BytesIO(b"one\ntwo\nthree\n")
    with pytest.raises(CommandError) as caught:
        send_lines(output(), lines, send, NAMES)
    assert caught.value.message == "Line 2 was not sent: Gone"
    assert caught.value.exit_status == ExitStatus.UNREACHABLE


def test_several_lines() -> None:
    """Those after the first are marked, and the state is at the end."""
    out = output()
    print_message(out, chat_message(1, "out", text="a\x1b\nb"), NAMES)
    first, second = out.out.getvalue().splitlines()  # type: ignore[attr-defined]
    assert first[21:] == r"Alice: a\x1b"
    assert second == f"{' ' * 19}  | b [sent]"
