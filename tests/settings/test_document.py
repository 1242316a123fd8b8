"""Types of settings documents: reading, changing at a key, merging, and the errors of each."""

import json
from typing import Any

import attrs
import pytest

from qabel.forms.compound import Key, ListOf, OrNull
from qabel.forms.errors import MAX_ERRORS, MAX_NAME, Errors, FieldError, UnknownKey
from qabel.forms.plain import Integer, Text
from qabel.settings.document import DocumentType
from qabel.settings.module_data import ModuleData, ModuleDataForm
from qabel.settings.stored import reading_stored
from tests.settings.checks import errors_of, keys_of


@attrs.frozen(kw_only=True)
class Bookcase:
    """A document for these tests."""

    size: int
    label: str | None
    books: tuple[str, ...]
    modules: ModuleData


def check_size(bookcase: Bookcase, errors: Errors) -> None:
    """Add an error if there are more books than the bookcase has space for."""
    if len(bookcase.books) > bookcase.size:
        errors.add("books", "must not exceed the size of the bookcase")


BOOKCASE = DocumentType(
    Bookcase,
    {
        "size": Key(Integer(0, 9), 3),
        "label": Key(OrNull(Text(5)), None),
        "books": Key(ListOf(Text(5), 9), ()),
        "module_data": Key(ModuleDataForm(), ModuleData(), attribute="modules"),
    },
    check_size,
)
EMPTY = BOOKCASE.default()
FULL = BOOKCASE.parse(
    {
        "size": 2,
        "label": "x",
        "books": ["a", "b"],
        "module_data": {"chat": {"a": {"b": 1, "c": 2}}, "files": {}},
    },
    now=1,
)


def unknown(name: str) -> FieldError:
    """Return the error for a key that a bookcase does not have."""
    return FieldError.unknown(name, ["size", "label", "books", "module_data"])


def test_default_has_the_default_of_each_key() -> None:
    """An empty object reads as the default, which is written with all keys."""
    expected = {"size": 3, "label": None, "books": [], "module_data": {}}
    assert BOOKCASE.to_builtins(EMPTY) == expected
    assert json.loads(BOOKCASE.encode(EMPTY)) == expected
    assert BOOKCASE.parse({}, now=1) == EMPTY


def test_omitted_keys_have_their_defaults_and_not_the_previous_values() -> None:
    """A document that replaces another one has nothing of it."""
    assert BOOKCASE.parse({"label": "y"}, now=1, previous=FULL) == attrs.evolve(EMPTY, label="y")


def test_document_that_does_not_change_is_the_same_object() -> None:
    """Parsing, setting or merging what a document has already returns that document."""
    builtins = BOOKCASE.to_builtins(FULL)
    assert BOOKCASE.parse(builtins, now=1, previous=FULL) is FULL
    assert BOOKCASE.merge(FULL, builtins, now=1) is FULL
    assert BOOKCASE.merge(FULL, {}, now=1) is FULL
    for key in builtins:
        assert BOOKCASE.set(FULL, key, builtins[key], now=1) is FULL


@pytest.mark.parametrize("value", [None, [], "{}", 5, True])
def test_document_and_patch_are_objects(value: object) -> None:
    """Neither a whole document nor a patch may have another JSON type."""
    error = [FieldError("", "must be an object")]
    assert errors_of(lambda: BOOKCASE.parse(value, now=1)) == error
    assert errors_of(lambda: BOOKCASE.merge(FULL, value, now=1)) == error


def test_all_errors_are_found_at_once() -> None:
    """Every invalid and every unknown key has an error."""
    wrong = {"size": "5", "books": ["a", 1], "module_data": {"a": 1, "b": {}}, "x": 1, "y": None}
    found = errors_of(lambda: BOOKCASE.parse(wrong, now=1))
    assert {error.key for error in found} == {"x", "y", "size", "books.1", "module_data.a"}
    assert unknown("x") in found


def test_number_of_errors_and_length_of_their_keys_are_bounded() -> None:
    """Of too many errors only the number is stated, and long names are cut."""
    wrong = {f"{number}" * 200: 1 for number in range(MAX_ERRORS + 7)}
    found = errors_of(lambda: BOOKCASE.parse(wrong, now=1))
    assert len(found) == MAX_ERRORS + 1
    assert found[-1] == FieldError("", "and 7 more errors")
    assert all(len(error.key) <= MAX_NAME + 1 for error in found)


def test_value_is_set_at_its_key() -> None:
    """Everything else stays, and the old document, too."""
    changed = BOOKCASE.set(FULL, "module_data.chat.a.b", 5, now=1)
    assert changed == attrs.evolve(FULL, modules=changed.modules)
    assert changed.modules.value == {"chat": {"a": {"b": 5, "c": 2}}, "files": {}}
    assert FULL.modules.value["chat"]["a"]["b"] == 1
    assert BOOKCASE.set(FULL, "books", ["c"], now=1) == attrs.evolve(FULL, books=("c",))


@pytest.mark.parametrize(
    "key",
    [
        "",
        ".",
        "..",
        ".size",
        "size.",
        "size.x",
        "books.0",
        "label.0",
        "Size",
        " size",
        "nope",
        "nope." * 100_000,
        "modules",
        "module_data.",
        "module_data..a",
        "module_data.a.",
        "\ud800",
    ],
)
def test_key_that_leads_nowhere_is_unknown(key: str) -> None:
    """The exception names the whole key, cut if it is long, and says why it is unknown."""
    with pytest.raises(UnknownKey) as caught:
        BOOKCASE.set(FULL, key, {}, now=1)
    assert caught.value.detail
    assert len(caught.value.key) <= MAX_NAME + 1
    caught.value.key.encode()
    assert key.startswith(caught.value.key.rstrip("…").replace("?", ""))


def test_rules_between_values_are_checked_on_every_change() -> None:
    """A valid value is rejected if it does not agree with the others."""
    error = [FieldError("books", "must not exceed the size of the bookcase")]
    assert errors_of(lambda: BOOKCASE.parse({"size": 1, "books": ["a", "b"]}, now=1)) == error
    assert errors_of(lambda: BOOKCASE.set(FULL, "size", 1, now=1)) == error
    assert errors_of(lambda: BOOKCASE.merge(FULL, {"size": 1}, now=1)) == error


def test_rules_see_the_old_value_in_place_of_an_invalid_one() -> None:
    """An error has no consequential errors."""
    assert keys_of(lambda: BOOKCASE.merge(FULL, {"size": "1", "books": ["a"]}, now=1)) == ["size"]
    assert keys_of(lambda: BOOKCASE.set(FULL, "size", "1", now=1)) == ["size"]


def test_merge_patch_changes_what_it_names() -> None:
    """Objects merge, null removes, and what is removed has its default (RFC 7396)."""
    patch = {
        "size": None,
        "label": "y",
        "module_data": {"chat": {"a": {"b": None, "d": {"e": None, "f": 3}}}, "new": {}},
    }
    assert BOOKCASE.to_builtins(BOOKCASE.merge(FULL, patch, now=1)) == {
        "size": 3,
        "label": "y",
        "books": ["a", "b"],
        "module_data": {"chat": {"a": {"c": 2, "d": {"f": 3}}}, "files": {}, "new": {}},
    }


def test_merge_patch_may_remove_a_key_that_is_unknown() -> None:
    """Removing what is not there changes nothing, but setting it is an error."""
    assert BOOKCASE.merge(FULL, {"nope": None}, now=1) is FULL
    assert errors_of(lambda: BOOKCASE.merge(FULL, {"nope": 1}, now=1)) == [unknown("nope")]


def test_merge_patch_replaces_what_is_not_an_object() -> None:
    """An object in a patch takes the place of a value of another type."""
    changed = BOOKCASE.merge(FULL, {"module_data": {"chat": {"a": 5}}}, now=1)
    again = BOOKCASE.merge(changed, {"module_data": {"chat": {"a": {"b": None, "c": 1}}}}, now=1)
    assert again.modules.value["chat"] == {"a": {"c": 1}}


def test_patch_that_contains_itself_is_nested_too_deeply() -> None:
    """A patch without end is an error of its key."""
    patch: dict[str, Any] = {}
    patch["a"] = patch
    assert errors_of(lambda: BOOKCASE.merge(FULL, {"module_data": patch}, now=1)) == [
        FieldError("module_data", "is nested too deeply")
    ]


def test_size_of_a_document_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change that makes the document too large is rejected, one that makes it smaller is not."""
    limit = len(BOOKCASE.encode(FULL))
    monkeypatch.setattr("qabel.settings.document.MAX_SIZE", limit)
    assert errors_of(lambda: BOOKCASE.set(FULL, "label", "xy", now=1)) == [
        FieldError("", f"must not exceed {limit} bytes of JSON")
    ]
    assert BOOKCASE.set(FULL, "label", "y", now=1).label == "y"
    assert BOOKCASE.set(FULL, "label", "", now=1).label == ""


def test_type_may_have_a_smaller_size() -> None:
    """It binds changes, but not what an older version has stored."""
    small = attrs.evolve(BOOKCASE, largest=len(BOOKCASE.encode(FULL)) - 1)
    assert errors_of(lambda: small.set(FULL, "label", "y", now=1)) == [
        FieldError("", f"must not exceed {small.largest} bytes of JSON")
    ]
    with reading_stored():
        assert small.parse(small.to_builtins(FULL), now=1) == FULL


def test_schema_describes_the_document() -> None:
    """The JSON Schema has each key with its default, and allows no others."""
    schema = BOOKCASE.json_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"] == "Bookcase"
    assert schema["additionalProperties"] is False
    assert list(schema["properties"]) == ["size", "label", "books", "module_data"]
    assert schema["properties"]["size"]["default"] == 3
    assert "required" not in schema
