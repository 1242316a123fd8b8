"""The local settings: what is valid, at which key, and how they change."""

import json
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.forms.errors import MAX_ERRORS, MAX_NAME, FieldError, InvalidInput, UnknownKey
from qabel.settings.local import LOCAL, LocalSettings
from qabel.settings.module_data import MAX_DEPTH, MAX_SIZE

UNKNOWN = partial(FieldError.unknown, known=["poll_interval", "drop_last_update", "module_data"])
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**300), 10**300)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
MODULES = st.dictionaries(TEXTS, st.dictionaries(TEXTS, JSON_VALUES, max_size=3), max_size=3)
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "poll_interval": st.integers(1, 31536000) | st.floats(0.05, 31536000),
        "drop_last_update": st.none() | TEXTS,
        "module_data": MODULES,
    },
)
NOTHING = LOCAL.default()


def errors(work: Callable[[], object]) -> list[FieldError]:
    """Give what is wrong."""
    with pytest.raises(InvalidInput) as caught:
        work()
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return list(caught.value.errors)


def nested(depth: int) -> dict[str, Any]:
    """Give objects that lie so deep in each other."""
    value: dict[str, Any] = {}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


def test_default_is_what_the_contract_says() -> None:
    """Every five seconds, nothing received yet, no module's data."""
    expected = {"poll_interval": 5, "drop_last_update": None, "module_data": {}}
    assert LOCAL.to_builtins(NOTHING) == expected
    assert json.loads(LOCAL.encode(NOTHING)) == expected
    assert LOCAL.parse({}, now=1) == NOTHING


@given(DOCUMENTS)
def test_what_is_read_is_written_and_reads_back(given_document: dict[str, Any]) -> None:
    """What GET gives, POST takes back unchanged; keys left out take their defaults."""
    document = LOCAL.parse(given_document, now=1)
    builtins = LOCAL.to_builtins(document)
    assert builtins == {**LOCAL.to_builtins(NOTHING), **given_document}
    assert repr(json.loads(LOCAL.encode(document))) == repr(builtins)
    again = LOCAL.parse(builtins, now=2)
    assert again == document
    assert LOCAL.encode(again) == LOCAL.encode(document)
    assert LOCAL.parse(builtins, now=2, previous=document) is document
    for key, value in builtins.items():
        assert LOCAL.set(document, key, value, now=2) is document
    assert LOCAL.merge(document, {}, now=2) is document


def test_keys_left_out_take_their_defaults_not_the_old_values() -> None:
    """A document that is put in place of another has nothing of it."""
    old = LOCAL.parse({"poll_interval": 9, "module_data": {"a": {}}}, now=1)
    assert LOCAL.parse({}, now=2, previous=old) == NOTHING


@pytest.mark.parametrize("value", [0.05, 1, 1.5, 31536000, 31536000.0, 1e2])
def test_poll_interval_is_a_number_of_seconds(value: float) -> None:
    """Whole or not, from 0.05 to a year, and written as it was."""
    document = LOCAL.set(NOTHING, "poll_interval", value, now=1)
    assert repr(document.poll_interval) == repr(value)


@pytest.mark.parametrize(
    ("key", "value", "detail"),
    [
        *[
            ("poll_interval", value, "must be a number from 0.05 to 31536000")
            for value in (True, False, None, "5", "", [5], {})
        ],
        *[
            ("poll_interval", value, "must be a number from 0.05 to 31536000")
            for value in (0, -1, 0.049, 31536001, 10**300, math.inf, -math.inf, math.nan)
        ],
        *[
            ("drop_last_update", value, "must be a string")
            for value in (5, 1476281471123, True, [], {})
        ],
        ("drop_last_update", "\ud800", "must not contain an unpaired surrogate"),
        ("drop_last_update", "x" * 8193, "must have at most 8192 characters"),
        *[
            ("module_data", value, "must be an object with one object per module")
            for value in (None, [], "", 5)
        ],
    ],
)
def test_bad_value_has_one_error_at_its_key(key: str, value: object, detail: str) -> None:
    """Set alone, in a whole document or by a patch, the same is wrong at the same place."""
    error = [FieldError(key, detail)]
    assert errors(lambda: LOCAL.set(NOTHING, key, value, now=1)) == error
    assert errors(lambda: LOCAL.parse({key: value}, now=1)) == error
    if value is not None and not isinstance(value, dict):
        assert errors(lambda: LOCAL.merge(NOTHING, {key: value}, now=1)) == error


def test_all_that_is_wrong_is_told_at_once() -> None:
    """Each error has its place, and an unknown key is one."""
    wrong = {"poll_interval": "5", "module_data": {"a": 1, "b": {}, "c": []}, "x": 1, "y": None}
    found = errors(lambda: LOCAL.parse(wrong, now=1))
    assert {error.key for error in found} == {
        "x", "y", "poll_interval", "module_data.a", "module_data.c"
    }  # fmt: skip
    assert UNKNOWN("x") in found


@pytest.mark.parametrize("value", [None, [], "{}", 5, True])
def test_document_that_is_no_object_is_not_valid(value: object) -> None:
    """Neither a whole document nor a patch may be another kind of JSON."""
    error = [FieldError("", "must be an object")]
    assert errors(lambda: LOCAL.parse(value, now=1)) == error
    assert errors(lambda: LOCAL.merge(NOTHING, value, now=1)) == error


def test_errors_are_bounded() -> None:
    """Of very many errors so many are told, and how many more there are; names are cut."""
    found = errors(lambda: LOCAL.parse({f"{n}" * 200: 1 for n in range(MAX_ERRORS + 7)}, now=1))
    assert len(found) == MAX_ERRORS + 1
    assert found[-1] == FieldError("", "and 7 more errors")
    assert all(len(error.key) <= MAX_NAME + 1 for error in found)


@pytest.mark.parametrize(
    "key",
    [
        "",
        ".",
        "..",
        ".poll_interval",
        "poll_interval.",
        "poll_interval.x",
        "drop_last_update.0",
        "Poll_interval",
        " poll_interval",
        "nope",
        "nope." * 100_000,
        "module_data.",
        "module_data..a",
        "module_data.a.",
        "\ud800",
    ],
)
def test_key_out_of_the_shape_is_unknown(key: str) -> None:
    """Whatever the value, the key is told, cut where it is long."""
    with pytest.raises(UnknownKey) as caught:
        LOCAL.set(NOTHING, key, {}, now=1)
    assert caught.value.detail
    assert len(caught.value.key) <= MAX_NAME + 1
    caught.value.key.encode()
    assert str(caught.value) == f"{caught.value.key}: {caught.value.detail}"


def test_any_path_below_module_data_is_in_shape() -> None:
    """Missing parents are made, and what is beside them stays."""
    document = LOCAL.set(NOTHING, "module_data.chat.a.b", 5, now=1)
    document = LOCAL.set(document, "module_data.chat.a.c", [1], now=1)
    document = LOCAL.set(document, "module_data.files", {"x": None}, now=1)
    assert document.module_data == {"chat": {"a": {"b": 5, "c": [1]}}, "files": {"x": None}}
    document = LOCAL.set(document, "module_data.chat", {}, now=1)
    assert document.module_data == {"chat": {}, "files": {"x": None}}
    assert LOCAL.set(document, "module_data", {}, now=1) == NOTHING


@pytest.mark.parametrize(
    ("key", "value", "place"),
    [
        ("module_data.chat", 5, "module_data.chat"),
        ("module_data.chat", None, "module_data.chat"),
        ("module_data.chat.a.b.c", 5, "module_data.chat.a.b"),
        ("module_data.chat.list.0", 5, "module_data.chat.list"),
        ("module_data." + "a." * 40 + "a", 5, "module_data"),
        ("module_data." + "a." * 400_000 + "a", 5, "module_data"),
        ("module_data.chat.\ud800", 5, "module_data"),
        ("module_data.x", {"a": math.nan}, "module_data"),
        ("module_data.x", {"a": "\ud800"}, "module_data"),
        ("module_data.x", {"a": {1, 2}}, "module_data"),
        ("module_data.x", {"a": (1, 2)}, "module_data"),
        ("module_data.x", {"a": b"bytes"}, "module_data"),
        ("module_data.x", {1: 2}, "module_data"),
        ("module_data.x", {"a": 10**400}, "module_data"),
        ("module_data.x", {"a": "x" * MAX_SIZE}, "module_data"),
        ("module_data.x", nested(MAX_DEPTH), "module_data"),
    ],
)
def test_what_module_data_cannot_hold_is_refused(key: str, value: object, place: str) -> None:
    """Each module has an object, of JSON that can be written, not too deep and not too large."""
    old = LOCAL.parse({"module_data": {"chat": {"a": {"b": 1}, "list": [1]}}}, now=1)
    assert [error.key for error in errors(lambda: LOCAL.set(old, key, value, now=1))] == [place]


def test_module_data_is_as_deep_as_allowed() -> None:
    """Up to the stated depth it is kept."""
    document = LOCAL.parse({"module_data": {"a": nested(MAX_DEPTH - 1)}}, now=1)
    assert LOCAL.parse(json.loads(LOCAL.encode(document)), now=1) == document


def test_module_data_cannot_be_changed_from_outside() -> None:
    """Neither what was given nor what is given out is the document's own."""
    given_data: dict[str, Any] = {"chat": {"a": [1]}}
    document = LOCAL.set(NOTHING, "module_data", given_data, now=1)
    given_data["chat"]["a"].append(2)
    document.module_data["chat"]["a"].append(3)
    LOCAL.to_builtins(document)["module_data"]["chat"].clear()
    assert document.module_data == {"chat": {"a": [1]}}


def test_true_is_not_one() -> None:
    """A change from 1 to true, which Python calls equal, is a change."""
    one = LOCAL.set(NOTHING, "module_data.chat.x", 1, now=1)
    true = LOCAL.set(one, "module_data.chat.x", value=True, now=1)
    assert one != true
    assert true.module_data["chat"]["x"] is True


def test_merge_patch_changes_what_it_names() -> None:
    """Members merge, null takes away, and what is away takes its default (RFC 7396)."""
    old = LOCAL.parse(
        {"poll_interval": 9, "drop_last_update": "x", "module_data": {"a": {"b": 1, "c": 2}}},
        now=1,
    )
    patch = {
        "poll_interval": None,
        "module_data": {"a": {"b": None, "d": {"e": None, "f": 3}}, "g": {}},
    }
    assert LOCAL.to_builtins(LOCAL.merge(old, patch, now=2)) == {
        "poll_interval": 5,
        "drop_last_update": "x",
        "module_data": {"a": {"c": 2, "d": {"f": 3}}, "g": {}},
    }
    assert LOCAL.merge(old, {"nope": None, "drop_last_update": None}, now=2) == LocalSettings(
        poll_interval=9, modules=old.modules
    )
    assert errors(lambda: LOCAL.merge(old, {"nope": 1}, now=2)) == [UNKNOWN("nope")]


def test_merge_patch_without_end_is_refused() -> None:
    """A patch that contains itself is told by a error."""
    patch: dict[str, Any] = {}
    patch["a"] = patch
    found = errors(lambda: LOCAL.merge(NOTHING, {"module_data": patch}, now=1))
    assert [error.key for error in found] == ["module_data"]


def test_schema_names_every_key() -> None:
    """The JSON Schema has the bounds and defaults that are in force."""
    schema = LOCAL.json_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["additionalProperties"] is False
    assert list(schema["properties"]) == list(LOCAL.to_builtins(NOTHING))
    assert schema["properties"]["poll_interval"] == {
        "type": "number",
        "minimum": 0.05,
        "maximum": 31536000,
        "default": 5,
    }
    json.dumps(schema)
