"""A conversation without a terminal: prints its messages, and sends each line that it reads.

As long as there may be further lines, messages are printed as they arrive.
"""

import sys
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import define, field

from qabel.cli.chat.conversation import TalkedTo
from qabel.cli.chat.courier import new_key, send_text
from qabel.cli.chat.message_lines import SideNames, state_of, text_of_message, time_of
from qabel.cli.chat.timeline import NOTHING, ChatMessageItem, Timeline, place
from qabel.cli.chat.watcher import Watcher, load_page
from qabel.cli.context import Session
from qabel.cli.errors import CommandError, ExitStatus
from qabel.cli.output import Output
from qabel.cli.units import count


def show_plain(session: Session, conversation: TalkedTo, limit: int, *, reads: bool) -> None:
    """Print the newest messages, and then send what comes on standard input.

    Args:
        session: the call of the command.
        conversation: what is shown.
        limit: how many messages are printed at most, to begin with.
        reads: whether standard input is read.

    Raises:
        CommandError: a line was not sent.

    """
    view = PlainView(session, conversation)
    view.begin(limit)
    if reads:
        watcher = Watcher(
            session.client,
            conversation,
            view.timeline,
            on_change=lambda: view.report(watcher.trouble),
            on_end=lambda error: session.out.warning(error.message),
        )
        threading.Thread(target=watcher.run, daemon=True).start()
        view.send_lines(sys.stdin.buffer)


@define(eq=False)
class PlainView:
    """Prints each message once, on whatever thread it comes."""

    _session: Session
    _conversation: TalkedTo
    timeline: Timeline = field(factory=Timeline, init=False)
    _printed: set[int] = field(factory=set, init=False)
    _after: str = field(default=NOTHING, init=False)
    """The cursor of the newest message at the beginning: earlier ones are not printed later."""
    _read: str = field(default=NOTHING, init=False)
    _trouble: str = field(default="", init=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False)

    @property
    def names(self) -> SideNames:
        """What both sides are called."""
        return SideNames(self._conversation.own, self._conversation.other)

    def begin(self, limit: int) -> None:
        """Print the newest messages. Raises CommandError."""
        load_page(self._session.client, self._conversation, self.timeline, max(limit, 1))
        if limit:
            self.print_new()
        self._after = self.timeline.newest

    def print_new(self) -> None:
        """Print what was not printed yet, and mark it as read."""
        out = self._session.out
        with self._lock:
            new = [each for each in self.timeline.messages if self._is_new(each)]
            for each in new:
                self._printed.add(each["id"])
                print_message(out, each, self.names)
            out.flush()
            received = [each["cursor"] for each in new if each["direction"] == "in"]
        newest = max(received, key=place, default=NOTHING)
        if place(newest) > place(self._read):
            self._read = newest
            path = f"/chat/conversations/{self._conversation.id}/read"
            self._session.client.put(path, {"upto": newest})

    def _is_new(self, message: ChatMessageItem) -> bool:
        return message["id"] not in self._printed and place(message["cursor"]) > place(self._after)

    def report(self, trouble: str) -> None:
        """Print what is new, or what is wrong with the connection."""
        if trouble and trouble != self._trouble:
            self._session.out.note(trouble)
        self._trouble = trouble
        if not trouble:
            self.print_new()

    def send_lines(self, lines: Any) -> None:
        """Send each line that is not blank, as a message.

        Raises CommandError if some were not sent.
        """
        failed = 0
        for number, text in _texts(lines):
            try:
                if text is None:
                    raise CommandError("It is not UTF-8")
                sent = send_text(self._session.client, self._conversation, text, new_key())
            except CommandError as error:
                error.message = f"Line {number} was not sent: {error.message}"
                if error.exit_status == ExitStatus.UNREACHABLE:
                    raise
                with self._lock:
                    self._session.out.error(error)
                failed += 1
                continue
            self.timeline.add([sent])
            self.print_new()
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
