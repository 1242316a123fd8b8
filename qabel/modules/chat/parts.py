"""Long texts: cut into parts that fit into messages, and put together again."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from attrs import evolve, field, frozen

from qabel.drop.message import DropMessage
from qabel.drop.message import encode as encode_message
from qabel.drop.transport import TEXT_SIZE
from qabel.jsontext import encode
from qabel.modules.chat.breaks import after_grapheme, after_word, anywhere
from qabel.modules.chat.payloads import MAX_PARTS, ChatPayload, TextPart, write_payload

PATIENCE = 60 * 60 * 1000
"""Milliseconds after which a text is shown even if parts of it have not arrived."""

_Choose = Callable[[str, int, int], int]
"""Returns where to cut a text, given where the part begins, and at most ends."""


class TextTooLong(ValueError):
    """A text does not fit into ``limit`` parts; ``size`` is in bytes of UTF-8."""

    def __init__(self, size: int, limit: int = MAX_PARTS) -> None:
        super().__init__(size, limit)
        self.size = size
        self.limit = limit

    def __str__(self) -> str:
        return f"The text has {self.size} bytes, which do not fit into {self.limit} messages."


def new_part_id() -> str:
    """Return an id for the parts of a text: 64 random bits in 11 characters."""
    return secrets.token_urlsafe(8)


def room_for_data(message: DropMessage) -> int:
    """Return how many bytes the data of a message may have, as ``size_of_data`` counts them.

    Args:
        message: with all that the message will have, such as an introduction; its data do not
            matter.

    Raises:
        InvalidDropMessage: it has something that no message can have.

    """
    empty = evolve(message, data=b"{}")
    return TEXT_SIZE - len(encode_message(empty)) + len(b"{}")


def size_of_data(payload: ChatPayload) -> int:
    """Return the bytes that a payload takes up in the JSON text of a message.

    It is JSON in a string there: escaped twice. Raises InvalidJSON for an unpaired surrogate.
    """
    return len(encode(encode(write_payload(payload)).decode())) - 2


def cut(payload: ChatPayload, room: int, part_id: str) -> tuple[ChatPayload, ...]:
    """Return the payloads by which to send a text, in their order.

    It is one if that fits. Others are cut behind words, and each has as many as fit; within words,
    but not within what people take for one character, where they are too long or would need more
    than ``MAX_PARTS`` parts. Joined, the texts are the text. The first part has what it answers,
    and the attachment.

    Args:
        payload: what to send, without a ``part``.
        room: the bytes for the data of each message, as ``room_for_data`` returns them for the
            ``kind`` of the payload.
        part_id: an id that the sender has used for no other text, such as ``new_part_id`` returns.

    Raises:
        TextTooLong: it does not fit into ``MAX_PARTS`` messages.
        InvalidJSON: the text has an unpaired surrogate.

    """
    if len(payload.text) > MAX_PARTS * room:
        # Every character takes up a byte at least.
        raise TextTooLong(len(payload.text.encode(errors="surrogatepass")))
    if size_of_data(payload) <= room:
        return (payload,)
    widest = TextPart(part_id, MAX_PARTS, MAX_PARTS)
    first = room - size_of_data(evolve(payload, text="", part=widest))
    others = room - size_of_data(ChatPayload("", part=widest))
    for choose in (after_word, after_grapheme, anywhere):
        texts = list(islice(_cut_text(payload.text, first, others, choose), MAX_PARTS))
        if texts and sum(map(len, texts)) == len(payload.text):
            break
    else:
        raise TextTooLong(len(payload.text.encode()))
    parts = [TextPart(part_id, n, len(texts)) for n in range(1, len(texts) + 1)]
    return (
        evolve(payload, text=texts[0], part=parts[0]),
        *(ChatPayload(text, part=part) for text, part in zip(texts[1:], parts[1:], strict=True)),
    )


def _cut_text(text: str, first: int, others: int, choose: _Choose) -> Iterator[str]:
    """Yield a text in pieces; what is missing at the end does not fit anywhere."""
    start, room = 0, first
    while start < len(text):
        end = _end_of_room(text, start, room)
        if end <= start:
            return
        if end < len(text):
            end = choose(text, start, end)
        yield text[start:end]
        start, room = end, others


def _end_of_room(text: str, start: int, room: int) -> int:
    """Return the end of the longest piece that fits, found by halving."""
    # Every character takes up a byte at least.
    low, high = start, min(len(text), start + max(room, 0))
    while low < high:
        middle = (low + high + 1) // 2
        if len(encode(encode(text[start:middle]).decode())) - len(r'"\"\""') <= room:
            low = middle
        else:
            high = middle - 1
    return low


@frozen
class PartialText:
    """The parts of a text that have arrived, in whatever order.

    Parts belong together if they have the same id and are from the same sender. A part that the
    text does not take is a message of its own.
    """

    of: int
    """How many parts the text has."""
    since: int
    """When the first of them arrived, in milliseconds since the epoch."""
    payloads: Mapping[int, ChatPayload] = field(repr=False)
    """Those that have arrived, by their numbers."""

    @classmethod
    def begin(cls, payload: ChatPayload, arrived: int) -> "PartialText":
        """Return a text of which one part has arrived.

        Args:
            payload: the part.
            arrived: when, in milliseconds since the epoch.

        Raises:
            ValueError: the payload is not a part.

        """
        part = _part_of(payload)
        return cls(part.of, arrived, {part.n: payload})

    def takes(self, part: TextPart) -> bool:
        """Return whether a part with the same id belongs to the text."""
        return part.of == self.of and part.n not in self.payloads

    def add(self, payload: ChatPayload, arrived: int) -> "PartialText":
        """Return the text with one more part.

        Args:
            payload: the part.
            arrived: when, in milliseconds since the epoch.

        Raises:
            ValueError: the text does not take it.

        """
        part = _part_of(payload)
        if not self.takes(part):
            raise ValueError(f"the text does not take part {part.n} of {part.of}")
        payloads = {**self.payloads, part.n: payload}
        return PartialText(self.of, min(self.since, arrived), payloads)

    @property
    def is_complete(self) -> bool:
        """Whether all parts have arrived."""
        return len(self.payloads) == self.of

    @property
    def missing(self) -> tuple[int, ...]:
        """The numbers of the parts that have not arrived."""
        return tuple(n for n in range(1, self.of + 1) if n not in self.payloads)

    @property
    def due(self) -> int:
        """When it is shown even if it is incomplete, in milliseconds since the epoch."""
        return self.since + PATIENCE

    def is_shown(self, now: int) -> bool:
        """Return whether to show the text at a time, in milliseconds since the epoch."""
        return self.is_complete or now >= self.due

    @property
    def joined(self) -> ChatPayload:
        """One payload with what the parts have that have arrived."""
        ordered = [self.payloads[n] for n in sorted(self.payloads)]
        replies = (each.reply_to for each in ordered if each.reply_to is not None)
        attachments = (each.attachment for each in ordered if each.attachment is not None)
        return ChatPayload(
            "".join(each.text for each in ordered),
            reply_to=next(replies, None),
            attachment=next(attachments, None),
        )


def _part_of(payload: ChatPayload) -> TextPart:
    if payload.part is None:
        raise ValueError("the payload is not a part of a text")
    return payload.part
