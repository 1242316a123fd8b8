"""Texts in parts, as far as their parts are there."""

from collections.abc import Mapping
from typing import TypeAlias

from attrs import define, field, frozen

from qabel.modules.chat.numbers import id_of_received_text
from qabel.modules.chat.payloads import ChatPayload, TextPart

TextKey: TypeAlias = tuple[bytes, str, str]
"""Parts belong together by the conversation, the direction, and the id in them."""


@frozen
class Piece:
    """A message with a part of a text."""

    id: int
    """The id that it would have as a message of its own."""
    n: int
    total: int
    seq: int
    part: int
    source: int
    """Its id in the inbox or the outbox."""
    sent: int
    arrived: int
    said: ChatPayload | None = field(default=None, repr=False)
    """None if it has to be read."""
    has_failed: bool | None = None
    """Whether it could not be sent; None if that has to be read."""


@define(eq=False, kw_only=True)
class LongText:
    """A text of which some parts are there."""

    key: TextKey
    pieces: dict[int, Piece]
    """By their numbers."""
    shown: int | None
    """The id under which it is shown."""
    is_told: bool = field(init=False)
    """Whether clients know that it is there."""

    @is_told.default
    def _if_it_was_shown(self) -> bool:
        return self.shown is not None

    @property
    def id(self) -> int:
        """The id under which it is to be shown: that of the part that was there first."""
        is_received = self.key[1] == "in"
        return id_of_received_text(self.first.source) if is_received else self.first.id

    @property
    def total(self) -> int:
        """How many parts it is to have."""
        return next(iter(self.pieces.values())).total

    @property
    def is_complete(self) -> bool:
        """Whether all parts are there."""
        return len(self.pieces) == self.total

    def takes(self, part: TextPart) -> bool:
        """Return whether a part belongs to it."""
        return not self.pieces or (part.of == self.total and part.n not in self.pieces)

    @property
    def first(self) -> Piece:
        """The part that was there first."""
        return min(self.pieces.values(), key=lambda each: each.id)

    @property
    def newest(self) -> Piece:
        """The part that was there last."""
        return max(self.pieces.values(), key=lambda each: each.id)


def whole_state(states: Mapping[int, tuple[str, int | None]], total: int) -> str:
    """Return the state of a text by those of its parts.

    Args:
        states: the state of each part, and when it was acknowledged, by its number.
        total: how many parts there are: the last one asks for an acknowledgement.

    """
    for state in ("failed", "queued"):
        if any(each == state for each, _ in states.values()):
            return state
    _, acknowledged = states.get(total, ("", None))
    return "sent" if acknowledged is None else "acknowledged"
