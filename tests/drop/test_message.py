"""The JSON text of drop messages: two spellings are read, one is written."""

import json
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.crypto import PrivateKey, PublicKey
from qabel.drop.message import (
    MAX_DEPTH,
    DropMessage,
    InvalidDropMessage,
    InvalidSender,
    decode,
    encode,
)

KEY = PrivateKey(b"\1" * 32).public_key
MESSAGE = DropMessage(time_stamp=1476281471123, sender=KEY, model_object="t", data=b'{"a":1}')
ENVELOPE: dict[str, Any] = {
    "version": 1,
    "time_stamp": 1476281471123,
    "sender": KEY.hex,
    "drop_payload": '{"a": 1}',
    "drop_payload_type": "t",
    "acknowledge_id": "0",
}
DOCUMENTED: dict[str, Any] = {
    "version": 1,
    "time_stamp": 1476281471123,
    "sender": KEY.hex,
    "receiver": KEY.hex,
    "model_object": "t",
    "data": {"a": 1},
    "acknowledge_id": "0",
}
DOCUMENTED_TEXT = json.dumps({**DOCUMENTED, "data": {"a": [5555]}}).encode()
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
PUBLIC_KEYS = st.integers(0, 2**255 - 20).map(
    lambda number: PublicKey(number.to_bytes(32, "little"))
)
CLEAN_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
CLEAN_OBJECTS = st.dictionaries(
    CLEAN_TEXT, st.none() | st.booleans() | st.integers() | CLEAN_TEXT | st.lists(CLEAN_TEXT)
)


def text_with(**changes: Any) -> bytes:
    """Return the text of a valid message with some keys changed."""
    return json.dumps({**ENVELOPE, **changes}).encode()


def text_without(key: str, envelope: dict[str, Any] = ENVELOPE) -> bytes:
    """Return the text of a valid message without one key."""
    return json.dumps({name: value for name, value in envelope.items() if name != key}).encode()


def compact(value: object) -> bytes:
    """Encode JSON in the form in which it is stored and sent."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def test_both_spellings_say_the_same() -> None:
    """The deployed and the documented spelling yield the same message."""
    assert decode(text_with()) == MESSAGE
    assert decode(json.dumps(DOCUMENTED).encode()) == MESSAGE


def test_deployed_spelling_is_written_compactly() -> None:
    """The output has the deployed clients' keys in their order, without blanks."""
    message = attrs.evolve(MESSAGE, data=' {"ä": [1, "<"]}'.encode(), meta_data=b'{ "b": 2 }')
    assert encode(message).decode() == (
        '{"version":1,"time_stamp":1476281471123,"sender":"' + KEY.hex + '",'
        r'"drop_payload":"{\"ä\":[1,\"<\"]}","drop_payload_type":"t","acknowledge_id":"0",'
        '"meta_data":{"b":2}}'
    )


@given(
    st.builds(
        DropMessage,
        time_stamp=st.integers(min_value=-(2**63), max_value=2**63 - 1),
        sender=PUBLIC_KEYS,
        model_object=CLEAN_TEXT,
        data=CLEAN_OBJECTS.map(compact),
        acknowledge_id=CLEAN_TEXT,
        meta_data=st.none() | CLEAN_OBJECTS.map(compact),
    )
)
def test_what_is_written_reads_back(message: DropMessage) -> None:
    """Any message survives a round trip, and its text always has an acknowledge_id."""
    text = encode(message)
    assert decode(text) == message
    assert json.loads(text)["acknowledge_id"] == message.acknowledge_id


@given(st.binary() | JSON_VALUES.map(json.dumps).map(str.encode))
def test_no_bytes_break_the_reader(text: bytes) -> None:
    """Arbitrary bytes raise InvalidDropMessage and nothing else."""
    with pytest.raises(InvalidDropMessage):
        decode(text)


@given(
    st.sampled_from([*ENVELOPE, *DOCUMENTED, "meta_data", "x"]),
    JSON_VALUES | JSON_VALUES.map(json.dumps),
    st.sampled_from([ENVELOPE, DOCUMENTED]),
)
def test_no_value_of_a_key_breaks_the_reader(
    key: str, value: object, envelope: dict[str, Any]
) -> None:
    """With any value for a key, whatever is accepted survives a round trip."""
    try:
        message = decode(json.dumps({**envelope, key: value}).encode())
    except InvalidDropMessage:
        return
    assert isinstance(json.loads(message.data), dict)
    assert decode(encode(message)) == message


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "hello",
        "42",
        "null",
        "[1]",
        '"x"',
        '{"a":1',
        "{a:1}",
        '{"a":NaN}',
        '{"a":"\\ud800"}',
        "9" * 400,
        "1e999",
        "[1e999]",
        '{"a":1e999',
        '{"a":NaN,"b":1e999}',
        '{"a":' * (MAX_DEPTH + 1) + "1" + "}" * (MAX_DEPTH + 1),
        "[" * 1000,
    ],
)
def test_payload_that_is_no_object_is_shown_as_one(payload: str) -> None:
    """A drop_payload that is not a valid JSON object becomes {"payload": the string}."""
    assert json.loads(decode(text_with(drop_payload=payload)).data) == {"payload": payload}


def test_payload_as_deep_as_allowed_is_an_object() -> None:
    """Objects and arrays may be nested up to the documented depth, and no deeper."""
    payload = '{"a":' * MAX_DEPTH + "1" + "}" * MAX_DEPTH
    assert decode(text_with(drop_payload=payload)).data == payload.encode()


@pytest.mark.parametrize(
    "number", ["1e400", "-1e400", "9" * 301, "9" * 400, "0." + "0" * 400 + "1", "1e" + "0" * 301]
)
def test_a_number_that_no_client_could_read_is_no_drop_message(number: str) -> None:
    """A number beyond the limits is rejected, wherever in the message it is."""
    with pytest.raises(InvalidDropMessage):
        decode(text_with(drop_payload=f'{{"a":[{number}]}}'))
    for text in (text_with(meta_data={"a": 5555}), text_with(x=5555), DOCUMENTED_TEXT):
        assert decode(text)
        with pytest.raises(InvalidDropMessage):
            decode(text.replace(b"5555", number.encode()))
        with pytest.raises(InvalidDropMessage):
            decode(text[:-1] + f', "x": {number}, "x": 1}}'.encode())


def test_numbers_are_kept() -> None:
    """Integers of any size and floats survive a round trip."""
    payload = '{"a":[18446744073709551616,-1,0.1,1e100,12345678901234567890123]}'
    payload = payload.replace("-1", f"-{'9' * 300}")
    assert json.loads(decode(text_with(drop_payload=payload)).data) == json.loads(payload)


@pytest.mark.parametrize("key", [key for key in ENVELOPE if key != "acknowledge_id"])
def test_required_keys_are_required(key: str) -> None:
    """A message without one of its required keys is rejected, in either spelling."""
    with pytest.raises(InvalidDropMessage):
        decode(text_without(key))
    documented = {"drop_payload": "data", "drop_payload_type": "model_object"}.get(key, key)
    with pytest.raises(InvalidDropMessage):
        decode(text_without(documented, DOCUMENTED))


def test_acknowledge_id_may_be_left_out() -> None:
    """A missing acknowledge_id, as from the newest clients, requests no acknowledgement."""
    assert decode(text_without("acknowledge_id")).acknowledge_id == "0"


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 0},
        {"version": 2},
        {"version": True},
        {"version": "1"},
        {"time_stamp": None},
        {"time_stamp": "5"},
        {"time_stamp": 5.5},
        {"time_stamp": 2**63},
        {"time_stamp": 10**1000},
        {"drop_payload": None},
        {"drop_payload": 42},
        {"drop_payload": ["in a list"]},
        {"drop_payload": {"a": 1}},
        {"drop_payload_type": True},
        {"acknowledge_id": None},
        {"acknowledge_id": 0},
        {"meta_data": []},
        {"meta_data": "x"},
        {"drop_payload": "\ud800"},
        {"drop_payload_type": "\udfff"},
        {"x": float("nan")},
        {"x": float("-inf")},
    ],
)
def test_odd_values_are_no_drop_message(changes: dict[str, Any]) -> None:
    """A value of the wrong type or size, or with an unpaired surrogate, is rejected."""
    with pytest.raises(InvalidDropMessage):
        decode(text_with(**changes))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"null",
        b'"x"',
        b"[" * 2048,
        b'{"data":' * 200,
        text_with() + b"x",
        b"\xef\xbb\xbf" + text_with(),
        text_with().replace(b'"t"', b'"\xff"'),
        text_with().replace(b'"t"', b'"\xed\xa0\x80"'),
        text_with().replace(b'"', b"'"),
        json.dumps({**DOCUMENTED, "data": json.loads("[" * 150 + "]" * 150)}).encode(),
        json.dumps(DOCUMENTED).replace("1}", '{"a":' * 150 + "1" + "}" * 151).encode(),
        text_with(meta_data=json.loads('{"a":' * 150 + "1" + "}" * 150)),
    ],
)
def test_odd_texts_are_no_drop_message(text: bytes) -> None:
    """Other JSON, invalid JSON or UTF-8, and deep nesting raise InvalidDropMessage."""
    with pytest.raises(InvalidDropMessage):
        decode(text)


def test_last_of_equal_keys_counts() -> None:
    """The last of duplicate keys counts, as in the deployed readers, and only it is passed on."""
    text = text_with()[:-1] + b', "drop_payload": "{\\"b\\": 1, \\"b\\": 2}"}'
    assert decode(text).data == b'{"b":2}'


@pytest.mark.parametrize("sender", ["", KEY.hex.upper(), KEY.hex[:-1], KEY.hex + " ", "x" * 64])
def test_sender_that_is_nobody_is_told_apart(sender: str) -> None:
    """Anything but 64 lower-case hex digits is not a sender."""
    with pytest.raises(InvalidSender):
        decode(text_with(sender=sender))


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2},
        {"time_stamp": 1.5},
        {"time_stamp": 2**63},
        {"model_object": "\ud800"},
        {"model_object": None},
        {"acknowledge_id": None},
        {"data": b"[]"},
        {"data": b""},
        {"data": b'{"a":NaN}'},
        {"data": b'{"a":"\\ud800"}'},
        {"data": b'{"a":' * 101 + b"1" + b"}" * 101},
        {"meta_data": b"1"},
        {"meta_data": b'{"a":' * 101 + b"1" + b"}" * 101},
    ],
)
def test_odd_messages_are_never_written(changes: dict[str, Any]) -> None:
    """A message that no reader would accept is not encoded."""
    with pytest.raises(InvalidDropMessage):
        encode(attrs.evolve(MESSAGE, **changes))


def test_nothing_shows_what_a_message_says() -> None:
    """Neither the repr of a message nor an error shows any of its content."""
    message = decode(
        text_with(drop_payload="secret", meta_data={"x": "secret"}, acknowledge_id="secret")
    )
    assert "secret" not in repr(message)
    with pytest.raises(InvalidDropMessage) as caught:
        decode(text_with(version="secret"))
    assert "secret" not in str(caught.value)
    assert caught.value.__context__ is None or caught.value.__suppress_context__
