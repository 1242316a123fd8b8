"""Long texts are cut into parts that fit, and come together again in any order."""

import json
from itertools import cycle
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from qabel.crypto import PrivateKey
from qabel.drop.acknowledgement import new_acknowledge_id
from qabel.drop.message import DropMessage, encode
from qabel.drop.transport import TEXT_SIZE, seal_message
from qabel.jsontext import InvalidJSON
from qabel.modules.chat.parts import (
    PATIENCE,
    PartialText,
    TextTooLong,
    cut,
    new_part_id,
    room_for_data,
    size_of_data,
)
from qabel.modules.chat.payloads import (
    MAX_PARTS,
    ChatPayload,
    ReplyTo,
    SharedFile,
    TextPart,
    read_payload,
    write_payload,
)

ALICE, BOB = PrivateKey(b"\1" * 32), PrivateKey(b"\2" * 32)
META_DATA = json.dumps(
    {
        "alias": "Alice",
        "drop_url": "https://drop.example.org/1234567890123456789012345678901234567891234",
        "public_key": {"public_key": ALICE.public_key.hex},
        "phone": "",
        "email": "alice@example.com",
    },
    separators=(",", ":"),
).encode()
ID = new_part_id()
HOUR = 3_600_000
SCRIPTS = (
    "The quick brown fox jumps over the lazy dog. ",
    "\u0421\u044a\u0435\u0448\u044c \u0435\u0449\u0451 \u0431\u0443\u043b\u043e\u043a. ",
    "\u4eca\u65e5\u306f\u3001\u4e16\u754c\u3002\u300c\u5143\u6c17\u300d",
    "\u0635\u0650\u0641 \u062e\u064e\u0644\u0642\u064e \u062e\u064e\u0648\u062f\u0650 ",
    '"Quoted" \\ and\r\nlines ',
    "\U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea ",
)
FILE = SharedFile("https://block.example.org/api/v0/files/a/b", b"\1" * 32, "a.txt", 5)
TEXTS = st.text(st.sampled_from('ab "\\\n\x01\u00e9\u0301\u4e16\U0001f469\u200d'), max_size=1000)


def message(kind: str = "box_message", meta_data: bytes | None = META_DATA) -> DropMessage:
    """Return a message of Alice's that asks for an acknowledgement."""
    return DropMessage(
        time_stamp=1795419528328,
        sender=ALICE.public_key,
        model_object=kind,
        data=b'{"of":"no","matter":1}',
        acknowledge_id=new_acknowledge_id(),
        meta_data=meta_data,
    )


ROOM = room_for_data(message())


def text_of(envelope: DropMessage, payload: ChatPayload) -> bytes:
    """Return the JSON text of a message with a payload."""
    return encode(evolve(envelope, data=json.dumps(write_payload(payload)).encode()))


def join(payloads: tuple[ChatPayload, ...]) -> ChatPayload:
    """Return what a reader makes of messages that arrive in this order."""
    if payloads[0].part is None:
        [payload] = payloads
        return payload
    text = PartialText.begin(payloads[0], 0)
    for each in payloads[1:]:
        text = text.add(each, 0)
    assert text.is_complete
    return text.joined


def mixed(length: int) -> str:
    """Return a text of several scripts with a number of characters."""
    text = ""
    for each in cycle(SCRIPTS):
        if len(text) >= length:
            break
        text += each
    return text[:length]


def part(n: int, of: int, text: str = "", id_: str = ID, **more: Any) -> ChatPayload:
    """Return a part of a text."""
    return ChatPayload(text, part=TextPart(id_, n, of), **more)


@given(TEXTS, st.none() | st.just(META_DATA), st.booleans(), st.booleans())
def test_the_room_is_exact(text: str, meta: bytes | None, is_share: bool, is_part: bool) -> None:
    """A message has as many bytes as the computation says, whatever is escaped in it."""
    attachment = FILE if is_share else None
    text_part = TextPart(ID, 3, 14) if is_part else None
    payload = ChatPayload(text, part=text_part, attachment=attachment)
    envelope = message(payload.kind, meta)
    room = room_for_data(envelope)
    assert len(text_of(envelope, payload)) == TEXT_SIZE - room + size_of_data(payload)


@pytest.mark.parametrize("character", ["a", "\u00e9", "\u4e16", "\U0001f469", '"', "\n", "\x01"])
def test_a_full_message_is_not_cut(character: str) -> None:
    """A text that fits to the last byte is one message without a part; one character more is two.

    The room of a whole message counts, without what a part takes up.
    """
    cost = size_of_data(ChatPayload(character)) - size_of_data(ChatPayload(""))
    most = (ROOM - size_of_data(ChatPayload(""))) // cost
    assert cut(ChatPayload(character * most), ROOM, ID) == (ChatPayload(character * most),)
    assert len(cut(ChatPayload(character * (most + 1)), ROOM, ID)) == 2


@pytest.mark.parametrize(
    "text",
    ["a", "a" * 1577, "a" * 1578, "word " * 315 + "abc", mixed(1577), mixed(40_000)],
    ids=len,
)
def test_texts_come_out_whole(text: str) -> None:
    """Texts of any size are sealed in messages, and what is opened is joined to the same bytes."""
    payloads = cut(ChatPayload(text), ROOM, ID)
    read = []
    for each in payloads:
        sent = text_of(message(), each)
        assert len(seal_message(ALICE, BOB.public_key, sent)) == 2149
        found = read_payload("box_message", json.loads(json.loads(sent)["drop_payload"]))
        assert found is not None
        read.append(found)
    assert join((*read[1::2], *read[::2])).text.encode() == text.encode()


def test_a_long_mixed_text_is_65_kb() -> None:
    """The long text above mixes scripts of one to four bytes, and takes some 50 messages."""
    assert 60_000 < len(mixed(40_000).encode()) < 75_000
    assert 40 < len(cut(ChatPayload(mixed(40_000)), ROOM, ID)) <= MAX_PARTS


@given(
    st.lists(st.sampled_from(SCRIPTS) | TEXTS, max_size=30).map("".join),
    st.integers(300, 900),
    st.booleans(),
    st.booleans(),
)
def test_parts_fit_and_are_the_text(text: str, room: int, is_reply: bool, is_share: bool) -> None:
    """Each part fits, is numbered, and joined they are what was sent, in any order."""
    payload = ChatPayload(
        text,
        reply_to=ReplyTo(b"\2" * 32, 2**62) if is_reply else None,
        attachment=FILE if is_share else None,
    )
    room += 300
    try:
        payloads = cut(payload, room, ID)
    except TextTooLong:
        assert size_of_data(payload) > room * MAX_PARTS * 0.7
        return
    assert all(size_of_data(each) <= room for each in payloads)
    if len(payloads) > 1:
        numbers = [each.part for each in payloads]
        count = len(payloads)
        assert numbers == [TextPart(ID, n, count) for n in range(1, count + 1)]
        assert all(each.text for each in payloads)
    assert join(payloads) == payload
    assert join(payloads[::-1]) == payload


@given(st.lists(st.text("abc\u0438\u00e9", min_size=1, max_size=200), min_size=2, max_size=60))
def test_words_are_not_cut(words: list[str]) -> None:
    """Where words fit into messages, each part but the last one ends with the space of a word."""
    text = " ".join(words)
    parts = [each.text for each in cut(ChatPayload(text), 600, ID)]
    assert all(each.endswith(" ") for each in parts[:-1])
    assert [word for each in parts for word in each.split()] == words


@pytest.mark.parametrize("text", ["x" * 1500 + " ", "x" * 900 + " ", "\u4e16" * 400 + " "], ids=len)
def test_words_are_cut_rather_than_refused(text: str) -> None:
    """A text that fits into 64 messages is sent, if only with words cut."""
    whole = text * (95_000 // len(text.encode()))
    payloads = cut(ChatPayload(whole), ROOM, ID)
    assert len(payloads) <= MAX_PARTS
    assert join(payloads).text == whole


def test_each_part_has_as_many_words_as_fit() -> None:
    """Only the first part leaves room for what it answers and the file."""
    payload = ChatPayload("x" * 9000, ReplyTo(b"\2" * 32, 2**62), attachment=FILE)
    *full, _ = cut(payload, ROOM, ID)
    # Numbers of one digit leave a byte each.
    assert [size_of_data(each) for each in full] == [ROOM - 2] * len(full)


def test_graphemes_are_cut_rather_than_refused() -> None:
    """Words are cut first, where no grapheme is cut; graphemes, if that is not enough."""
    letter = "e\u0301"
    parts = cut(ChatPayload((letter * 300 + " ") * 105), ROOM, ID)
    assert len(parts) <= MAX_PARTS
    assert not any(each.text.startswith("\u0301") for each in parts)
    whole = ("e" + "\u0301" * 400) * 115
    parts = cut(ChatPayload(whole), ROOM, ID)
    assert len(parts) <= MAX_PARTS
    assert join(parts).text == whole


def test_graphemes_are_cut_only_if_they_do_not_fit() -> None:
    """A letter with a thousand marks is cut, and the family before it is not."""
    family = "\U0001f469\u200d\U0001f469\u200d\U0001f467"
    text = family * 100 + "a" + "\u0301" * 1000 + family * 100
    first, *others = (each.text for each in cut(ChatPayload(text), ROOM, ID))
    assert first == family * (len(first) // len(family))
    assert "".join(others).startswith(family)
    assert first + "".join(others) == text


def test_more_than_64_parts_are_refused() -> None:
    """Some 97 kB fit beside introductions, 110 kB without; the error says how much does not."""
    overhead = size_of_data(part(MAX_PARTS, MAX_PARTS))
    most = (ROOM - overhead) * MAX_PARTS
    assert most > 96_500
    assert len(cut(ChatPayload("x" * 110_000), room_for_data(message(meta_data=None)), ID)) <= 64
    assert len(cut(ChatPayload("x" * most), ROOM, ID)) == MAX_PARTS
    with pytest.raises(TextTooLong) as caught:
        cut(ChatPayload("x" * (most + 1)), ROOM, ID)
    assert (caught.value.size, caught.value.limit) == (most + 1, MAX_PARTS)
    assert str(caught.value) == (
        f"The text has {most + 1} bytes, which do not fit into 64 messages."
    )


def test_ids_are_short_and_differ() -> None:
    """An id costs 11 bytes in each part, none of them escaped."""
    ids = {new_part_id() for _ in range(100)}
    assert len(ids) == 100
    sizes = {size_of_data(part(1, 2, id_=each)) for each in ids}
    assert sizes == {size_of_data(part(1, 2, id_="x" * 11))}


@pytest.mark.parametrize("room", [-500, 0, 20, 40])
def test_no_room_at_all(room: int) -> None:
    """Where not one character fits beside the rest, nothing is sent."""
    with pytest.raises(TextTooLong):
        cut(ChatPayload("some text that does not fit in there"), room, ID)
    with pytest.raises(TextTooLong):
        cut(ChatPayload("", attachment=FILE), room, ID)


def test_half_a_character_is_an_error() -> None:
    """An unpaired surrogate cannot be sent."""
    with pytest.raises(InvalidJSON):
        cut(ChatPayload("a\ud800"), ROOM, ID)


@given(st.integers(1, MAX_PARTS).flatmap(lambda of: st.permutations(range(1, of + 1))))
def test_any_order_is_joined(order: list[int]) -> None:
    """Parts that arrive in any order are shown once all of them are there."""
    text = PartialText.begin(part(order[0], len(order), f"{order[0]} "), 0)
    for n in order[1:]:
        assert not text.is_complete
        assert not text.is_shown(0)
        text = text.add(part(n, len(order), f"{n} "), 0)
    assert text.is_shown(0)
    assert text.missing == ()
    assert text.joined == ChatPayload("".join(f"{n} " for n in sorted(order)))


def test_a_missing_part_is_waited_for_an_hour() -> None:
    """An hour after the first arrival, what is there is shown; the text is mended afterwards."""
    text = PartialText.begin(part(3, 3, "c"), 1000).add(part(1, 3, "a "), 1000 + HOUR // 2)
    assert not text.is_shown(1000 + HOUR - 1)
    assert text.is_shown(1000 + HOUR)
    assert text.due == 1000 + HOUR == 1000 + PATIENCE
    assert not text.is_complete
    assert text.missing == (2,)
    assert text.joined.text == "a c"
    mended = text.add(part(2, 3, "b "), 1000 + 100 * HOUR)
    assert mended.is_complete
    assert mended.is_shown(0)
    assert mended.joined.text == "a b c"


def test_the_hour_begins_with_the_first_arrival() -> None:
    """Parts may be passed in another order than they arrived in."""
    text = PartialText.begin(part(1, 3), 500).add(part(2, 3), 400)
    assert text.since == 400


@pytest.mark.parametrize("other", [part(1, 3), part(2, 4), part(3, 4), part(1, 2), part(3, 64)])
def test_other_parts_are_messages_of_their_own(other: ChatPayload) -> None:
    """A second part of a number, and one that says another ``of``, do not belong to a text."""
    text = PartialText.begin(part(1, 3, "a"), 0)
    assert other.part is not None
    assert not text.takes(other.part)
    with pytest.raises(ValueError, match="does not take part"):
        text.add(other, 0)
    assert text.takes(TextPart(ID, 2, 3))


def test_a_text_does_not_take_what_is_no_part() -> None:
    """A message without a part is no beginning of a text, and no part of one."""
    with pytest.raises(ValueError, match="not a part"):
        PartialText.begin(ChatPayload("x"), 0)
    with pytest.raises(ValueError, match="not a part"):
        PartialText.begin(part(1, 3), 0).add(ChatPayload("x"), 0)


def test_the_only_part_is_complete() -> None:
    """A text of one part is shown at once."""
    text = PartialText.begin(part(1, 1, "x"), 0)
    assert text.is_complete
    assert text.joined == ChatPayload("x")


def test_what_a_text_answers_is_that_of_the_first_part_which_says_it() -> None:
    """The joined text has the reply and the file of its parts, the first ones if they differ."""
    one, two = ReplyTo(b"\1" * 32, 1), ReplyTo(b"\1" * 32, 2)
    text = PartialText.begin(part(3, 3, "c", reply_to=two), 0)
    text = text.add(part(2, 3, "b", reply_to=one, attachment=FILE), 0)
    assert text.joined == ChatPayload("bc", one, attachment=FILE)


def test_adding_changes_no_text() -> None:
    """A text is a value: one with a further part is another one."""
    text = PartialText.begin(part(1, 2, "a"), 0)
    text.add(part(2, 2, "b"), 0)
    assert text.missing == (2,)
    assert "'a'" not in repr(text)
