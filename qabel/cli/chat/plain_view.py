"""A conversation without a terminal: prints its messages, and sends each line that it reads."""

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from qabel.cli.chat.conversation import TalkedTo
from qabel.cli.chat.courier import new_key, send_text
from qabel.cli.chat.message_lines import SideNames, state_of, text_of_message, time_of
from qabel.cli.context import Session
from qabel.cli.errors import CommandError, ExitStatus
from qabel.cli.output import Output
from qabel.cli.units import count


def show_plain(session: Session, conversation: TalkedTo, limit: int, *, reads: bool) -> None:
    """Print the newest messages, and then send what comes on standard input.

    Args:
        session: the call of the command.
        conversation: what is shown.
        limit: how many messages are printed at most.
        reads: whether standard input is read.

    Raises:
        CommandError: a line was not sent.

    """
    names = SideNames(conversation.own, conversation.other)
    client = session.client
    messages = client.get(conversation.path, limit=limit)["messages"] if limit else []
    for each in reversed(messages):
        print_message(session.out, each, names)
    session.out.flush()
    received = [each for each in messages if each["direction"] == "in"]
    if received:
        path = f"/chat/conversations/{conversation.id}/read"
        client.put(path, {"upto": received[0]["cursor"]})
    if reads:
        send_lines(
            session.out,
            sys.stdin.buffer,
            lambda text: send_text(client, conversation, text, new_key()),
            names,
        )


def send_lines(
    out: Output, lines: Any, send: Callable[[str], Mapping[str, Any]], names: SideNames
) -> None:
    """Send each line that is not blank, as a message. Raises CommandError if some were not sent."""
    failed = 0
    for number, text in _texts(lines):
        try:
            if text is None:
                raise CommandError("It is not UTF-8")
            sent = send(text)
        except CommandError as error:
            error.message = f"Line {number} was not sent: {error.message}"
            if error.exit_status == ExitStatus.UNREACHABLE:
                raise
            out.flush()
            out.error(error)
            failed += 1
            continue
        print_message(out, sent, names)
        out.flush()
        failed += sent["state"] == "failed"
    if failed:
        raise CommandError(f"{count(failed, 'message')} of the input could not be sent")


def _texts(lines: Any) -> Iterator[tuple[int, str | None]]:
    """Yield the number and the text of each line that is not blank; None if it is no UTF-8."""
    for number, line in enumerate(lines, 1):
        try:
            text = line.decode().rstrip("\r\n")
        except UnicodeDecodeError:
            yield number, None
            continue
        if text.strip():
            yield number, text


def print_message(out: Output, message: Mapping[str, Any], names: SideNames) -> None:
    """Print a message, or its JSON. Lines after the first are marked, as in ``qabel follow``."""
    if out.json:
        out.value(message)
        return
    first, *others = text_of_message(message).split("\n")
    state = state_of(message)
    style = "green" if message["direction"] == "out" else "cyan"
    name = out.styled(f"{names.of(message)}:", style)
    end = f" {out.styled(state, 'dim')}" if state else ""
    out.raw(f"{out.styled(time_of(message), 'dim')}  {name} {first}{'' if others else end}\n")
    for index, each in enumerate(others, 1):
        out.raw(f"{' ' * 19}  | {each}{end if index == len(others) else ''}\n")
