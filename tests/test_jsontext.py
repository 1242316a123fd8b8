"""Strict JSON: what is accepted, what is rejected with which message, and that nothing crashes."""

import json
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qabel.jsontext import MAX_DEPTH, InvalidJSON, InvalidNumber, as_utf8, encode, parse

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
    | st.sampled_from(['"', "\\", '\\"', "{", "[", ":", "null", "\u2028", "\0"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)

REJECTED = {
    b"": "empty",
    b" \n\t": "empty",
    b"\xef\xbb\xbf1": r"line 1, column 1\b",
    b"[1,\n  x]": r"line 2, column 3\b",
    b"{'a':1}": "keys must be strings",
    b'{"a" 1}': "expected ':'",
    b"{1:2}": "keys must be strings",
    b"[1,]": "trailing comma",
    b'{"a":1,}': "trailing comma",
    b"1 2": "trailing characters",
    b"[1] []": "trailing characters",
    b"[1": "unexpected end",
    b'{"a"': "unexpected end",
    b'"abc': "unexpected end",
    b"tru": "unexpected end",
    b"NaN": "invalid character",
    b"Infinity": "invalid character",
    b"-Infinity": "invalid character",
    b"[1e400]": "out of range",
    b"-1e400": "out of range",
    b"1" * 5000: "out of range",
    b"9" * 298 + b"e11": "out of range",
    b"9" * 301: "digits",
    b"-" + b"9" * 301: "digits",
    b"9" * 400: "digits",
    b"9" * 301 + b"e-20": "digits",
    b"0." + b"9" * 300: "digits",
    b"0." + b"0" * 400 + b"1": "digits",
    b"9" * 150 + b"." + b"9" * 151: "digits",
    b"1e" + b"0" * 300 + b"1": "digits",
    b'[{"a":[0,1e-' + b"0" * 300 + b"]}]": "digits",
    b"01": "invalid number",
    b"+1": "invalid character",
    b".5": "invalid character",
    b"1.": "invalid number",
    b"0x10": "trailing characters",
    b"//\n1": "invalid character",
    b'"\n"': "invalid character",
    b'"\\x"': "escape",
    b'"\\ud800"': "surrogate",
    b'"\\udc00"': "surrogate",
    b'"\\ud800\\ud800"': "surrogate",
    b'"\\ud800abc"': "surrogate",
    b'{"\\ud83d":1}': "surrogate|end",
    b'"\xff"': r"UTF-8 \(line 1, column 2\)",
    b'[\n"\xed\xa0\x80"]': r"UTF-8 \(line 2, column 2\)",
    b'{"\xc0\x80":1}': "UTF-8",
    b'"\xf4\x90\x80\x80"': "UTF-8",
    b'{"a":1,"a":2}': "duplicate key",
    b'{"a":1,"\\u0061":2}': "duplicate key",
    b'{"a":":","a":"\\u003a:"}': "duplicate key",
    b'[{"b":{"a":[],"c":1,"a":[]}}]': "duplicate key",
    b'{"":1,"":1}': "duplicate key",
    b'{"\\\\":1,"\\\\":2}': "duplicate key",
    b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1): "too deep",
    b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1): "too deep",
    b"[" * 100_000: "too deep",
    b'{"a":' * 100_000: "too deep",
}


@pytest.mark.parametrize(("text", "why"), REJECTED.items(), ids=range(len(REJECTED)))
def test_what_parsers_disagree_on_is_rejected(text: bytes, why: str) -> None:
    """The message says what is wrong and, where known, at which line and column."""
    with pytest.raises(InvalidJSON, match=why) as caught:
        parse(text)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    "text",
    [
        b'{"secret":1e999}',
        b'{"a":"secret}',
        b'{"secret":1,"secret":2}',
        b'["secret", secret]',
        b'{"secret":"\xff"}',
        b'{"secret":"\\ud800"}',
    ],
)
def test_errors_quote_nothing(text: bytes) -> None:
    """No message contains a value or a key of the text."""
    with pytest.raises(InvalidJSON) as caught:
        parse(text)
    assert "secret" not in str(caught.value)


@given(JSON_VALUES)
@example(['"', {'"': "\\"}, "[[[{{{:::", {"\\": {"\\\\": '\\"'}}])
@example([2**64, -(2**64), 10**299, -0.0, 5e-324, 1.7976931348623157e308])
def test_round_trip(value: object) -> None:
    """Any value survives encoding and parsing, whoever encoded it."""
    assert repr(parse(encode(value))) == repr(value)
    for ascii_only in (True, False):
        text = json.dumps(value, ensure_ascii=ascii_only, indent=1).encode()
        assert repr(parse(text)) == repr(value)


@given(JSON_VALUES, TEXTS, st.integers(0, 3))
def test_duplicate_keys_are_found_anywhere(value: object, key: str, depth: int) -> None:
    """A duplicate key is rejected, whatever it is and whatever else is in the text."""
    name, inner = json.dumps(key), json.dumps(value)
    text = f'{{{name}:{inner},"{key.__hash__()}x":0,{name}:{inner}}}'
    for _ in range(depth):
        text = f'[{inner},{{"a":{text}}}]'
    with pytest.raises(InvalidJSON, match="duplicate key"):
        parse(text.encode())


@given(st.binary() | st.text(alphabet='[]{}",:\\1e-. \n').map(str.encode))
def test_arbitrary_bytes(text: bytes) -> None:
    """Any bytes are parsed as Python's own parser parses them, or raise InvalidJSON."""
    try:
        value = parse(text)
    except InvalidJSON:
        return
    assert value == json.loads(text)


@given(st.binary(max_size=40), st.integers(0, 200), st.integers(0, 200))
def test_damaged_texts(noise: bytes, start: int, end: int) -> None:
    """A valid text with bytes removed or inserted is rejected, or parsed as Python parses it."""
    good = b'{"a":["\\u00e4\\"[",{"b":null,"c":-1.5e3}],"\xc3\xa4":true,"d":{"e":[[],[{}]]}}'
    text = good[:start] + noise + good[end:]
    try:
        value = parse(text)
    except InvalidJSON:
        return
    assert value == json.loads(text)


def test_depth_is_exact() -> None:
    """The limit is exact, and brackets in strings do not count."""
    for depth in (1, 2, 64, 128):
        assert parse(b"[" * depth + b"]" * depth, depth=depth) is not None
        mixed = b'{"[[":["]]{",' * (depth // 2) + b"1" + b"]}" * (depth // 2)
        assert parse(mixed, depth=depth) is not None
        with pytest.raises(InvalidJSON, match="too deep"):
            parse(b"[" * (depth + 1) + b"]" * (depth + 1), depth=depth)
    assert parse(b"[[],[],[[]],[]]", depth=3) == [[], [], [[]], []]
    with pytest.raises(InvalidJSON, match="too deep"):
        parse(b"[[],[],[[]],[]]", depth=2)
    assert parse(b"1", depth=0) == 1


def test_numbers_keep_their_type_and_size() -> None:
    """Integers stay integers, however large, and floats stay floats."""
    assert repr(parse(b"[5,5.0,-0.0,1e2,18446744073709551616]")) == (
        "[5, 5.0, -0.0, 100.0, 18446744073709551616]"
    )


@pytest.mark.parametrize(
    "text",
    [
        "9" * 300,
        "-" + "9" * 300,
        "9" * 149 + "." + "9" * 151,
        "-0." + "0" * 298 + "1",
        "1" * 298 + "e10",
        "1.7976931348623157e308",
    ],
)
def test_the_largest_numbers(text: str) -> None:
    """A number may have 300 digits, wherever they are, and any value that is finite as a float."""
    for around in ("{}", "[{},{}]", '{{"1":{},"2":{}}}'):
        whole = around.format(text, text).encode()
        assert parse(whole) == json.loads(whole)
    assert math.isfinite(float(json.loads(text)))


def test_limits_of_what_is_stored() -> None:
    """More digits and duplicate keys are read where the caller allows them."""
    assert parse(b"9" * 309, digits=309) == 10**309 - 1
    with pytest.raises(InvalidNumber, match="more than 309 digits"):
        parse(b"9" * 310, digits=309)
    assert parse(b'{"a":1,"a":2}', unique_keys=False) == {"a": 2}


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        [math.inf],
        {"a": [{"b": (1, -math.inf)}], "c": None},
        "\ud800",
        {"\udfff": 1},
        object(),
        {(1, 2): 3},
        {"a": {1j}},
    ],
    ids=range(8),
)
def test_what_json_cannot_represent(value: object) -> None:
    """NaN, unpaired surrogates and values of other types are rejected."""
    with pytest.raises(InvalidJSON):
        encode(value)


def test_recursive_values() -> None:
    """A list that contains itself is rejected."""
    value: list[object] = []
    value.append(value)
    with pytest.raises(InvalidJSON, match="too deep"):
        encode(value)


def test_compact_output() -> None:
    """The output has no blanks, and no escapes for what UTF-8 can represent."""
    assert encode({"ä": [1, None, "/<"], "b": 0.5}) == '{"ä":[1,null,"/<"],"b":0.5}'.encode()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_what_editors_save_is_converted(encoding: str) -> None:
    """A byte order mark is removed, and UTF-16 is converted, with a mark or without."""
    text = '{"a":"ä€😀"}'
    assert as_utf8(text.encode(encoding)) == text.encode()
    assert as_utf8(b"\xfe\xff" + text.encode("utf-16-be")) == text.encode()


@given(st.binary())
def test_conversion_takes_any_bytes(data: bytes) -> None:
    """Whatever is not UTF-16 is returned as it is, but for the mark."""
    converted = as_utf8(data)
    if converted != data and not data.startswith(b"\xef\xbb\xbf"):
        converted.decode()
