"""Messages as lines of a terminal: who wrote them, when, and what has become of them."""

from collections.abc import Iterator, Sequence

from attrs import define, field, frozen

from qabel.cli.chat.timeline import ChatMessageItem, PendingText
from qabel.cli.chat.wrapping import cells, wrapped
from qabel.cli.text import clip, visible
from qabel.cli.units import moment, size

Line = list[tuple[str, str]]
"""The parts of a line: the name of a style, and a text."""

NAME_WIDTH = 24
QUOTE_WIDTH = 40

_TIME = slice(11, 16)
_DAY = slice(0, 10)
_INDENT = " " * 6
_STATE_STYLES = {"failed": "red"}


@frozen
class SideNames:
    """What the two sides are called."""

    own: str
    other: str

    def of(self, message: ChatMessageItem) -> str:
        """Return the name of the sender of a message."""
        name = self.own if message["direction"] == "out" else self.other
        return clip(visible(name), NAME_WIDTH)


def text_of_message(message: ChatMessageItem) -> str:
    """Return the text of a message with what belongs to it, harmless, and with line breaks."""
    parts = [visible(str(message["text"]), lines=True)] if message["text"] else []
    attachment = message["attachment"]
    if attachment is not None:
        octets = attachment.get("size")
        amount = f", {size(octets)}" if isinstance(octets, int) and octets else ""
        parts.append(f"[file {visible(str(attachment.get('name') or 'without a name'))}{amount}]")
    if message["incomplete"]:
        parts.append("[a part is missing]")
    return "\n".join(parts)


def state_of(message: ChatMessageItem) -> str:
    """Return what is shown beside a message: its state, or when it says that it was sent."""
    if message["state"] is not None:
        reason = str(message.get("reason") or "").rstrip(".")
        more = f": {visible(reason)}" if reason and message["state"] == "failed" else ""
        return f"[{message['state']}{more}]"
    return f"[sent {moment(message['sent'])}]" if message["odd_time"] else ""


def time_of(message: ChatMessageItem) -> str:
    """Return when a message was sent, or when it arrived, if the sender's time is odd."""
    is_odd = message["odd_time"] and message["received"] is not None
    return moment(message["received"] if is_odd else message["sent"])


@define(eq=False)
class MessageLines:
    """Makes lines of messages, and keeps them: most are shown again and again."""

    _names: SideNames
    _kept: dict[object, list[Line]] = field(factory=dict, init=False, repr=False)

    def newest_first(
        self, messages: Sequence[ChatMessageItem], pending: Sequence[PendingText], columns: int
    ) -> Iterator[list[Line]]:
        """Yield the lines of what was entered and of all messages, the newest first."""
        for text in reversed(pending):
            yield self._pending(text, columns)
        by_id: dict[object, ChatMessageItem] | None = None
        for index in range(len(messages) - 1, -1, -1):
            message, quoted = messages[index], None
            if message["reply_to"] is not None:
                by_id = by_id or {each["id"]: each for each in messages}
                quoted = by_id.get(message["reply_to"])
            lines = self._message(message, quoted, columns)
            day = time_of(message)[_DAY]
            if index == 0 or day != time_of(messages[index - 1])[_DAY]:
                yield [[("dim", clip(f"-- {day} --", columns))], *lines]
            else:
                yield lines

    def _message(
        self, message: ChatMessageItem, quoted: ChatMessageItem | None, columns: int
    ) -> list[Line]:
        state = state_of(message)
        key = message["id"], state, message["incomplete"], quoted is not None, columns
        if key not in self._kept:
            time = time_of(message)[_TIME] or "?"
            self._kept[key] = self._lines(
                f"{time:<6}", message, text_of_message(message), state, quoted, columns
            )
        return self._kept[key]

    def _pending(self, text: PendingText, columns: int) -> list[Line]:
        message = {"direction": "out", "state": "failed" if text.failure else None}
        why = text.failure.rstrip(".")
        state = f"[not sent: {visible(why)}]" if why else "[sending]"
        return self._lines(_INDENT, message, visible(text.text, lines=True), state, None, columns)

    def _lines(
        self,
        time: str,
        message: ChatMessageItem,
        text: str,
        state: str,
        quoted: ChatMessageItem | None,
        columns: int,
    ) -> list[Line]:
        style = "own" if message["direction"] == "out" else "other"
        name = f"{self._names.of(message)}: "
        room = max(columns - len(_INDENT), 2)
        # The name is as wide as letters that are never broken.
        [first, *more] = wrapped("x" * min(cells(name), room) + text, room)
        lines: list[Line] = [[("dim", time), (style, name), ("", first[cells(name) :])]]
        lines += [[("", _INDENT + each)] for each in more]
        if quoted is not None:
            said = visible(str(quoted["text"]).partition("\n")[0])
            lines.insert(0, [("dim", clip(f"{_INDENT}> {clip(said, QUOTE_WIDTH)}", columns))])
        if state:
            _append(lines, state, _STATE_STYLES.get(str(message["state"]), "dim"), columns)
        return lines


def _append(lines: list[Line], state: str, style: str, columns: int) -> None:
    """Put a state behind the last line, or below it if there is not enough space."""
    if sum(cells(text) for _, text in lines[-1]) + 1 + cells(state) <= columns:
        lines[-1] = [*lines[-1], (style, f" {state}")]
        return
    room = max(columns - len(_INDENT), 2)
    lines += [[(style, _INDENT + each)] for each in wrapped(state, room)]


def window(blocks: Iterator[list[Line]], height: int, offset: int) -> tuple[list[Line], int]:
    """Return the lines that fit into a window, and how far it is scrolled up.

    Args:
        blocks: lines that belong together, the last ones first.
        height: of the window.
        offset: how many lines it is to be scrolled up from the end.

    """
    lines: list[Line] = []
    for block in blocks:
        lines = [*block, *lines]
        if len(lines) >= height + offset:
            break
    offset = max(min(offset, len(lines) - height), 0)
    end = len(lines) - offset
    return lines[max(end - height, 0) : end], offset
