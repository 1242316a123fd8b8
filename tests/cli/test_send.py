"""``qabel send``: messages arrive, and are acknowledged."""

import re

import pytest

from qabel.cli.errors import ExitStatus
from tests.cli.conftest import QabelCommand, arrived, drop_of, eventually, one_line


def test_send_and_receive(alice: QabelCommand, bob: QabelCommand) -> None:
    """A text arrives, in the form that deployed clients show, and is listed with its sender."""
    sent = alice("send", "Bob", "Hallo Bob")
    assert re.fullmatch(r"Sent to Bob \(outbox \d+\)\.\n", sent.out)
    message = arrived(bob, "Hallo Bob")
    assert message["model_object"] == "box_message"
    listed = bob("inbox")
    assert re.search(rf"^{message['id']} .*Alice +Hallo Bob$", listed.out, re.MULTILINE)
    shown = bob("inbox", "show", str(message["id"]))
    assert "Text      Hallo Bob\n" in shown.out


@pytest.mark.parametrize("words", [("send", "bob"), ("send", "Bob", "-")])
def test_text_from_standard_input(
    alice: QabelCommand, bob: QabelCommand, words: tuple[str, ...]
) -> None:
    """A text can be piped in; its last line break is not part of it."""
    text = f"piped\nby {len(words)}"
    assert alice(*words, stdin=f"{text}\n".encode()).exit_status == 0
    arrived(bob, text)


def test_send_other_data(alice: QabelCommand, bob: QabelCommand) -> None:
    """Programs can send any object, as any kind of message that is not reserved."""
    alice.json("send", "Bob", "--model-object", "game", "--json", '{"move": "e4"}')
    found = eventually(lambda: bob.json("inbox", "--model-object", "game", "--poll"), "the move")
    assert found[0]["data"] == {"move": "e4"}
    assert '[game] {"move":"e4"}' in bob("inbox", "--model-object", "game").out
    rejected = alice("send", "Bob", "--model-object", "drop", "--json", "{}")
    assert rejected.exit_status == ExitStatus.FAILURE
    assert "reserved" in rejected.err


def test_outcome_as_json(alice: QabelCommand) -> None:
    """``--json`` as the last argument prints the result."""
    [outcome] = alice("send", "Bob", "as json", "--json").values
    assert outcome["recipients"][0]["state"] == "sent"


def test_wait_for_acknowledgement(alice: QabelCommand) -> None:
    """``--wait-ack`` waits for an acknowledgement, which the outbox shows as well."""
    result = alice("--json", "send", "Bob", "did you get it?", "--wait-ack", "20")
    assert result.exit_status == 0, result.err
    [outcome] = result.values
    assert outcome["recipients"][0]["acknowledged"]
    assert "acknowledged" in alice("outbox", "-n", "1").out
    assert "Acknowledged" in alice("outbox", "show", str(outcome["id"])).out


def test_no_acknowledgement(alice: QabelCommand) -> None:
    """Without an acknowledgement in time, the exit status is 5, and the message is kept."""
    nobody = alice.json("contact", "add", "Nobody", "2" * 64, drop_of(alice))[0]
    result = alice("send", "Nobody", "hello?", "--wait-ack", "0.2")
    alice.json("contact", "delete", str(nobody["id"]), "--yes")
    assert result.exit_status == ExitStatus.TIMED_OUT
    assert "qabel outbox show" in result.err


def test_too_long(alice: QabelCommand) -> None:
    """A message that is too long is rejected with the limit, and what to do."""
    result = alice("send", "Bob", "x" * 3000)
    assert result.exit_status == ExitStatus.FAILURE
    assert "2048" in one_line(result)
    assert "Shorten the message" in result.err


def test_same_key_sends_once(alice: QabelCommand) -> None:
    """A script that does not know whether it has sent a message can try again."""
    words = ("send", "Bob", "only once", "--idempotency-key", "k1")
    assert alice.json(*words) == alice.json(*words)


@pytest.mark.parametrize(
    ("words", "stdin"), [(("",), b""), (("  ",), b""), ((), b""), (("-",), b"\n"), ((), b" \n\n")]
)
def test_nothing_to_send(alice: QabelCommand, words: tuple[str, ...], stdin: bytes) -> None:
    """A message without text is refused, with an example; nothing is sent."""
    before = alice.json("outbox")
    result = alice("send", "Bob", *words, stdin=stdin)
    assert result.exit_status == ExitStatus.USAGE
    assert "nothing to send" in one_line(result)
    assert "qabel send Bob 'Hello'" in result.err
    assert alice.json("outbox") == before
