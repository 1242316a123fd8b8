"""``module_data``: objects of modules, of any JSON within bounds."""

import json
import math
from typing import Any

import msgspec
import pytest
from hypothesis import given

from qabel.forms.errors import Errors, FieldError
from qabel.forms.plain import ANY_OBJECT
from qabel.settings.module_data import MAX_DEPTH, MAX_SIZE, ModuleData, ModuleDataForm
from tests.settings.checks import errors_of, keys_of
from tests.settings.strategies import MODULES

FORM = ModuleDataForm()
OLD = FORM.read({"chat": {"a": {"b": 1}, "list": [1]}})


def nested(depth: int) -> dict[str, Any]:
    """Return objects that are nested to a depth."""
    value: dict[str, Any] = {}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


def put(old: ModuleData, path: str, value: object) -> ModuleData:
    """Put a value at a dotted key."""
    errors = Errors()
    changed = FORM.put(old, path.split("."), value, 0, errors)
    errors.raise_any()
    return changed


@given(MODULES)
def test_any_json_is_kept(modules: dict[str, Any]) -> None:
    """What modules store is returned as it was, down to the type of each number."""
    data = FORM.read(modules)
    assert repr(FORM.write(data)) == repr(modules)
    assert repr(json.loads(FORM.encode(data))) == repr(modules)
    assert FORM.read(FORM.write(data)) == data
    assert {name: msgspec.json.decode(raw) for name, raw in data.objects.items()} == modules


@pytest.mark.parametrize("value", [None, [], "", 5, True])
def test_other_types_are_invalid(value: object) -> None:
    """Only an object can have the data of modules."""
    assert errors_of(lambda: FORM.read(value)) == [
        FieldError("", "must be an object with one object per module")
    ]


def test_each_module_has_an_object() -> None:
    """A module's data of another type has an error at the module's name."""
    assert errors_of(lambda: FORM.read({"a": 1, "b": {}, "c": []})) == [
        FieldError("a", "must be an object: the data of a module"),
        FieldError("c", "must be an object: the data of a module"),
    ]


def test_any_path_leads_somewhere() -> None:
    """Missing objects are made on the way, and what is beside the path stays."""
    data = put(ModuleData(), "chat.a.b", 5)
    data = put(data, "chat.a.c", [1])
    data = put(data, "files", {"x": None})
    assert data.value == {"chat": {"a": {"b": 5, "c": [1]}}, "files": {"x": None}}
    assert put(data, "chat", {}).value == {"chat": {}, "files": {"x": None}}


@pytest.mark.parametrize(
    ("path", "value", "key"),
    [
        ("chat", 5, "chat"),
        ("chat", None, "chat"),
        ("chat.a.b.c", 5, "chat.a.b"),
        ("chat.list.0", 5, "chat.list"),
        ("a." * 40 + "a", 5, ""),
        ("a." * 400_000 + "a", 5, ""),
        ("chat.\ud800", 5, ""),
        ("x", {"a": math.nan}, ""),
        ("x", {"a": "\ud800"}, ""),
        ("x", {"a": {1, 2}}, ""),
        ("x", {"a": (1, 2)}, ""),
        ("x", {"a": b"bytes"}, ""),
        ("x", {1: 2}, ""),
        ("x", {"a": 10**400}, ""),
        ("x", {"a": "x" * MAX_SIZE}, ""),
        ("x", nested(MAX_DEPTH), ""),
    ],
)
def test_what_cannot_be_stored_is_an_error(path: str, value: object, key: str) -> None:
    """Only JSON within the bounds of size and depth is valid."""
    assert keys_of(lambda: put(OLD, path, value)) == [key]


def test_depth_up_to_the_limit_is_valid() -> None:
    """Objects may be nested as deeply as stated, ``module_data`` included."""
    modules = {"a": nested(MAX_DEPTH - 1)}
    assert FORM.read(modules).value == modules


def test_size_up_to_the_limit_is_valid() -> None:
    """The JSON text may be as long as stated."""
    frame = len('{"a":{"b":""}}')
    modules = {"a": {"b": "x" * (MAX_SIZE - frame)}}
    assert len(FORM.read(modules).text) == MAX_SIZE
    modules["a"]["b"] += "x"
    assert errors_of(lambda: FORM.read(modules)) == [
        FieldError("", f"must not exceed {MAX_SIZE} bytes of JSON")
    ]


def test_data_cannot_be_changed_from_outside() -> None:
    """Neither what was read nor what is returned is shared."""
    modules: dict[str, Any] = {"chat": {"a": [1]}}
    data = FORM.read(modules)
    modules["chat"]["a"].append(2)
    data.value["chat"]["a"].append(3)
    FORM.write(data)["chat"].clear()
    assert data.value == {"chat": {"a": [1]}}


def test_true_differs_from_one() -> None:
    """Data are equal only if JSON takes them for equal."""
    one, true, fraction = (FORM.read({"chat": {"x": each}}) for each in (1, True, 1.0))
    assert one != true
    assert one != fraction
    assert true.value["chat"]["x"] is True


def test_representation_shows_only_the_size() -> None:
    """What modules store is not shown in logs."""
    assert repr(FORM.read({"chat": {"a": "secret"}})) == "<ModuleData of 23 bytes>"


def test_schema_is_of_objects_of_objects() -> None:
    """The JSON Schema leaves the objects of modules open."""
    assert FORM.schema() == {"type": "object", "additionalProperties": ANY_OBJECT}
