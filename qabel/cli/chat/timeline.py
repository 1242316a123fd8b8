"""The messages of a conversation as far as they are known, each once, in their order."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import define, evolve, field, frozen

ChatMessageItem = Mapping[str, Any]
"""A message as the daemon returns it, and ``reason``: why it failed, if that is known."""

NOTHING = "0-0"
"""The cursor in front of all messages."""

_ORDER = ("queued", "failed", "sent", "acknowledged")
"""States, the later ones last: what is asked for and what is told may overtake each other."""

UNSETTLED = ("queued", "sent")
"""States that another one follows."""


def place(cursor: str) -> tuple[int, int]:
    """Return a cursor as what cursors are ordered by."""
    seq, _, part = cursor.partition("-")
    return int(seq), int(part)


@frozen
class PendingText:
    """A text that the user has entered, and the daemon has not accepted yet."""

    text: str = field(repr=False)
    key: str
    """The Idempotency-Key."""
    after: str
    """The cursor of the newest message when it was entered."""
    failure: str = ""
    """Why the daemon has rejected it."""

    def rejected(self, why: str) -> "PendingText":
        """Return it as one that was rejected."""
        return evolve(self, failure=why)

    def behind(self, cursor: str) -> "PendingText":
        """Return it as one that was entered when there was a message of this cursor."""
        return evolve(self, after=max(self.after, cursor, key=place))


@define(eq=False)
class Timeline:
    """The messages of a conversation; threads may share it."""

    _messages: dict[int, ChatMessageItem] = field(factory=dict, init=False, repr=False)
    _ordered: Sequence[ChatMessageItem] = field(default=(), init=False, repr=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False, repr=False)

    @property
    def messages(self) -> Sequence[ChatMessageItem]:
        """All messages, oldest first."""
        return self._ordered

    @property
    def newest(self) -> str:
        """The cursor of the newest message."""
        ordered = self._ordered
        return str(ordered[-1]["cursor"]) if ordered else NOTHING

    @property
    def oldest(self) -> str | None:
        """The cursor of the oldest message; None if there is none."""
        ordered = self._ordered
        return str(ordered[0]["cursor"]) if ordered else None

    @property
    def newest_received(self) -> str:
        """The cursor of the newest message of the other side."""
        received = (each for each in reversed(self._ordered) if each["direction"] == "in")
        return str(next(received, {"cursor": NOTHING})["cursor"])

    @property
    def is_unsettled(self) -> bool:
        """Whether the state of some message will change."""
        return any(each["state"] in UNSETTLED for each in self._ordered)

    @property
    def incomplete(self) -> list[int]:
        """The ids of texts of which parts are missing."""
        return [each["id"] for each in self._ordered if each.get("incomplete")]

    def has(self, number: int) -> bool:
        """Return whether a message is known."""
        return number in self._messages

    def add(self, messages: Iterable[ChatMessageItem]) -> None:
        """Add messages, or replace them by what they are now."""
        with self._lock:
            for each in messages:
                self._messages[each["id"]] = _later(self._messages.get(each["id"]), each)
            ordered = sorted(self._messages.values(), key=lambda each: place(each["cursor"]))
            self._ordered = ordered

    def change_state(self, number: int, state: str, reason: str = "") -> None:
        """Change the state of a message, if it is known."""
        known = self._messages.get(number)
        if known is not None:
            more = {"reason": reason} if reason else {}
            self.add([{**known, "state": state, **more}])


def _later(known: ChatMessageItem | None, new: ChatMessageItem) -> ChatMessageItem:
    """Return the new form of a message, but with the later one of both states."""
    if known is None or known["state"] is None or new["state"] is None:
        return new
    state = max(known["state"], new["state"], key=_ORDER.index)
    more = {"reason": known["reason"]} if "reason" in known and "reason" not in new else {}
    return {**new, "state": state, **more}


def not_there_yet(
    messages: Sequence[ChatMessageItem], pending: Sequence[PendingText]
) -> list[PendingText]:
    """Return which of the entered texts are no messages yet.

    The daemon may tell of a message before it has answered the request that sends it.
    """
    left, waiting = [], list(pending)
    oldest = min((place(each.after) for each in pending), default=(0, 0))
    newer = []
    for each in reversed(messages):
        if place(each["cursor"]) <= oldest:
            break
        if each["direction"] == "out":
            newer.append(each)
    newer.reverse()
    for text in waiting:
        found = next(
            (
                each
                for each in newer
                if each["text"] == text.text and place(each["cursor"]) > place(text.after)
            ),
            None,
        )
        if found is None or text.failure:
            left.append(text)
        else:
            newer.remove(found)
    return left
