"""The payloads of messages, compared with what Qabel's own clients write and read."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.crypto import PrivateKey, PublicKey
from qabel.drop.message import decode
from qabel.drop.transport import Opened, Opener
from qabel.modules.chat.payloads import (
    KINDS,
    MAX_PARTS,
    SHARE_KIND,
    TEXT_KIND,
    ChatPayload,
    ReplyTo,
    SharedFile,
    TextPart,
    read_payload,
    write_payload,
)

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "qabel-box.json").read_text(encoding="utf-8")
)
OUR_KEYS = {"part": {"id": "a", "n": 1, "of": 2}, "reply_to": {"sender": "0" * 64, "time_stamp": 5}}
KEY = bytes.fromhex("a7be7d47f1ce77ccb38a171daba9ea360c95ffff53c21a88c177512efc5f2ed6")
URL = (
    "https://block.example.org/api/v0/files/2a1d1c0b-9f6e-4f39-8d7c-1a2b3c4d5e6f/"
    "4af07a2c-3711-4680-88f9-d61896adf0be"
)
WRITTEN = [
    ChatPayload("hi <b> = 'x' ü"),
    ChatPayload('look <here> = "ü"', attachment=SharedFile(URL, KEY, "hello ü.txt", 13)),
    ChatPayload("desktop says hi", attachment=SharedFile(URL, KEY)),
    ChatPayload("hi"),
]
"""What the messages in the vectors contain."""

PAIRS = list(zip(VECTORS["messages"], WRITTEN, strict=True))

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
PARTS = st.integers(1, MAX_PARTS).flatmap(
    lambda of: st.builds(TextPart, TEXTS, st.integers(1, of), st.just(of))
)
REPLIES = st.builds(ReplyTo, st.binary(min_size=32, max_size=32), st.integers(0, 2**63 - 1))
FILES = st.builds(SharedFile, TEXTS, st.binary(), TEXTS, st.integers(0, 2**63 - 1))
PAYLOADS = st.builds(ChatPayload, TEXTS, st.none() | REPLIES, st.none() | PARTS, st.none() | FILES)
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=5,
)
ODD = st.one_of(
    JSON_VALUES,
    st.fixed_dictionaries({"id": JSON_VALUES, "n": JSON_VALUES, "of": JSON_VALUES}),
    st.fixed_dictionaries({"sender": st.just("0" * 64), "time_stamp": JSON_VALUES}),
)


def read_json(payload: str, kind: str) -> ChatPayload | None:
    """Return what is read of a payload as it is on the wire."""
    envelope = {
        "version": 1,
        "time_stamp": 1,
        "sender": PrivateKey(b"\1" * 32).public_key.hex,
        "drop_payload": payload,
        "drop_payload_type": kind,
    }
    message = decode(json.dumps(envelope).encode())
    return read_payload(message.model_object, json.loads(message.data))


def answer_of(core_reader: str) -> ChatPayload | None:
    """Return what the core's reader made of a payload."""
    if core_reader.startswith("refused: "):
        return None
    found = re.fullmatch(
        r"ok msg=(?P<msg>\w+)( file=(?P<file>\w*) size=(?P<size>\d+) url=(?P<url>\S+) "
        r"key=(?P<key>\w+))?",
        core_reader,
    )
    assert found is not None
    if found["url"] is None:
        return ChatPayload(found["msg"])
    key = bytes.fromhex(found["key"])
    file = SharedFile(found["url"], key, found["file"], int(found["size"]))
    return ChatPayload(found["msg"], attachment=file)


@pytest.mark.parametrize(("vector", "payload"), PAIRS)
def test_what_qabel_writes_is_read(vector: dict[str, Any], payload: ChatPayload) -> None:
    """Messages of the deployed clients are read, with their files."""
    message = decode(vector["drop_message_json"].encode())
    assert read_payload(message.model_object, json.loads(message.data)) == payload


def test_a_sealed_share_is_read() -> None:
    """A share that the Java core sealed is opened, and has the text and the file."""
    [sealed] = [each for each in VECTORS["messages"] if each["sealed_for_contact_b64"]]
    opener = Opener([PrivateKey.from_hex(VECTORS["keys"]["contact_private"])])
    opened = opener.open(base64.b64decode(sealed["sealed_for_contact_b64"]))
    assert isinstance(opened, Opened)
    assert opened.message.sender == PublicKey.from_hex(VECTORS["keys"]["owner_public"])
    payload = read_payload(opened.message.model_object, json.loads(opened.message.data))
    assert payload == WRITTEN[1]


@pytest.mark.parametrize(("vector", "payload"), PAIRS)
def test_what_qabel_writes_is_written(vector: dict[str, Any], payload: ChatPayload) -> None:
    """The payloads written are those of the core; of the desktop's all that a reader requires."""
    written = write_payload(payload)
    theirs = json.loads(vector["drop_payload"])
    assert payload.kind == vector["drop_payload_type"]
    if theirs.pop("id", None) == 0:
        theirs |= {"file": "", "size": 0}
    assert written == theirs


@pytest.mark.parametrize("vector", VECTORS["payload_reading"], ids=lambda each: each["payload"])
def test_the_core_reads_the_same(vector: dict[str, Any]) -> None:
    """Payloads that the core's reader accepts are read alike; those that it refuses are not."""
    kind = vector.get("type", SHARE_KIND)
    assert read_json(vector["payload"], kind) == answer_of(vector["core_reader"])


def test_vectors_have_both_answers() -> None:
    """The core accepts some of the payloads, and refuses others."""
    answers = [answer_of(each["core_reader"]) for each in VECTORS["payload_reading"]]
    assert 0 < answers.count(None) < len(answers)


@given(PAYLOADS)
def test_what_is_written_reads_back(payload: ChatPayload) -> None:
    """Any payload survives a round trip through JSON."""
    text = json.dumps(write_payload(payload))
    assert read_payload(payload.kind, json.loads(text)) == payload


@given(PAYLOADS)
def test_deployed_clients_find_their_keys(payload: ChatPayload) -> None:
    """All that the deployed readers require is there as plain values, and ours beside it."""
    written = write_payload(payload)
    keys = {"msg"} if payload.attachment is None else {"msg", "file", "url", "key", "size"}
    assert keys <= written.keys() <= keys | {"reply_to", "part"}
    assert all(isinstance(written[each], str) for each in keys - {"size"})


@pytest.mark.parametrize("kind", ["", "chat", "symmetric", "drop_payload"])
def test_other_kinds_are_read_by_their_msg(kind: str) -> None:
    """A message of any other kind has its text, and our keys mean nothing there."""
    assert read_payload(kind, {"msg": "x", "url": "u", "key": "00", **OUR_KEYS}) == ChatPayload("x")
    for nothing in ({}, {"msg": None}, {"msg": {}}, {"payload": "x"}, {"text": "x"}):
        assert read_payload(kind, nothing) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [("", ""), ("x", "x"), (None, ""), (5, "5"), (0.5, "0.5"), (True, "true"), (False, "false")],
)
def test_plain_values_are_texts(value: object, text: str) -> None:
    """A message with a plain value for a text is shown, as Gson reads it."""
    assert read_payload(TEXT_KIND, {"msg": value}) == ChatPayload(text)


def test_a_message_without_a_text_is_empty() -> None:
    """The core reads an empty object as a message without text; what is no text, not at all."""
    assert read_payload(TEXT_KIND, {}) == ChatPayload("")
    assert read_payload(TEXT_KIND, {"a": 1}) == ChatPayload("")
    assert read_payload(TEXT_KIND, {"msg": ["x", "y"]}) is None
    assert read_payload(TEXT_KIND, {"msg": {}}) is None


@pytest.mark.parametrize(
    ("size", "read"),
    [
        *((None, 0), (0, 0), (7, 7), (7.9, 7), ("7", 7), ("+7", 7), ("007", 7)),
        *((-1, 0), ("-1", 0), (2**63 - 1, 2**63 - 1), (2**63, 0), (1e300, 0)),
    ],
)
def test_sizes_that_are_read(size: object, read: int) -> None:
    """A size may be a number or digits; what no file can have counts as unknown."""
    payload = read_payload(SHARE_KIND, {"msg": "m", "url": "u", "key": "00", "size": size})
    assert payload == ChatPayload("m", attachment=SharedFile("u", b"\0", size=read))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("size", each) for each in ("", " 7", "7 ", "1_0", "0x7", "7.5", True, [7], {})),
        *(("key", each) for each in (None, "0", "xx", 5, [])),
        *(("url", each) for each in (None, [], {})),
        *(("file", each) for each in ([], {})),
        *(("msg", each) for each in (None, [], {})),
    ],
)
def test_shares_that_the_core_refuses(key: str, value: object) -> None:
    """A share is not read if a key has a value of which its reader makes nothing."""
    share = {"msg": "m", "url": "u", "key": "00", "file": "f", "size": 7}
    assert read_payload(SHARE_KIND, share) is not None
    assert read_payload(SHARE_KIND, {**share, key: value}) is None


@pytest.mark.parametrize(
    "part",
    [
        *(None, "x", 1, True, [], {}, [{"id": "a", "n": 1, "of": 2}]),
        *({"id": "a", "n": n, "of": 2} for n in (0, -1, 3, None, "1", 1.0, True, [1])),
        *({"id": "a", "n": 1, "of": of} for of in (0, -1, 65, 2**70, None, "2", 2.0, True)),
        *({"id": id_, "n": 1, "of": 2} for id_ in (None, 5, True, ["a"], {})),
        *({"id": "a", "n": 1}, {"id": "a", "of": 2}, {"n": 1, "of": 2}),
    ],
)
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_malformed_parts_are_messages_of_their_own(kind: str, part: object) -> None:
    """A message whose ``part`` makes no sense has none, and its text."""
    payload = read_payload(kind, {"msg": "x", "url": "u", "key": "00", "part": part})
    assert payload is not None
    assert (payload.text, payload.part) == ("x", None)


@pytest.mark.parametrize(
    "reply_to",
    [
        *(None, "x", 1, [], {}, {"sender": "0" * 64}, {"time_stamp": 5}),
        *({"sender": each, "time_stamp": 5} for each in (None, 0, "0", "0" * 63, "A" * 64)),
        *({"sender": "0" * 64, "time_stamp": each} for each in (None, "5", 5.0, True, 2**63)),
    ],
)
def test_malformed_replies_answer_nothing(reply_to: object) -> None:
    """A message whose ``reply_to`` makes no sense has none, and its text."""
    assert read_payload(TEXT_KIND, {"msg": "x", "reply_to": reply_to}) == ChatPayload("x")


@given(
    st.sampled_from([*KINDS, "other"]),
    st.dictionaries(
        st.sampled_from(["msg", "url", "key", "file", "size", "reply_to", "part", "payload"]), ODD
    ),
)
def test_no_payload_breaks_the_reader(kind: str, data: dict[str, Any]) -> None:
    """Whatever a message has, it is read or not, and what is read can be written."""
    payload = read_payload(kind, data)
    if payload is not None and kind in KINDS:
        assert read_payload(payload.kind, write_payload(payload)) == payload


def test_nothing_of_a_message_is_in_its_repr() -> None:
    """Texts, names and keys of files do not get into logs."""
    payload = ChatPayload("secret", attachment=SharedFile("secret", KEY, "secret", 7))
    assert "secret" not in repr(payload)
    assert repr(KEY) not in repr(payload)
