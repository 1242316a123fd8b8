"""What notices say."""

from collections.abc import Sequence

from attrs import field, frozen

from qabel.modules.notify.prepare import Notice

LONGEST = 200
"""Characters of a text that a notice shows."""


@frozen
class Words:
    """A title, and what stands below it."""

    title: str
    body: str = field(default="", repr=False)


def words_of(notice: Notice, show: str) -> Words:
    """Return what is said of a conversation.

    Args:
        notice: the conversation.
        show: what may be said: ``nothing``, ``sender`` or ``text``.

    """
    count = _count(notice.count)
    if show == "nothing":
        return Words(count)
    if show == "sender":
        return Words(_line(notice.name), count)
    return Words(_line(notice.name), _line(notice.text) or count)


def words_of_many(notices: Sequence[Notice]) -> Words:
    """Return what is said of several conversations in one."""
    total = sum(each.count for each in notices)
    return Words(_count(total), f"In {len(notices)} conversations")


def _count(count: int) -> str:
    return "New message" if count == 1 else f"{count} new messages"


def _line(text: str) -> str:
    """Return a text in one line, without what does not print, and not too long."""
    line = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
