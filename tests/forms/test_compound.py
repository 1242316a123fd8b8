"""Forms made of other forms."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from qabel.forms.compound import OMITTED, Key, ListOf, Object, OrNull, read_keys
from qabel.forms.errors import Errors, FieldError, InvalidInput, UnknownKey
from qabel.forms.form import Form
from qabel.forms.plain import Anything, Choice, Flag, Integer, Text

DIGIT = Integer(0, 9)
NOT_DIGIT = "must be an integer from 0 to 9"
PERSON = Object(
    {
        "name": Key(Text(5)),
        "age": Key(DIGIT, 0),
        "tags": Key(ListOf(Text(5), 2), None, description="What it is about."),
    }
)


def errors(form: Form[Any], value: object) -> list[FieldError]:
    """Return what is wrong with a value."""
    with pytest.raises(InvalidInput) as caught:
        form.read(value)
    return list(caught.value.errors)


# OrNull


def test_null_is_read_and_written_as_none() -> None:
    """Null stands beside the values of the other form."""
    form = OrNull(DIGIT)
    assert form.read(None) is None
    assert form.write(None) is None
    assert form.read(5) == form.write(5) == 5
    assert errors(form, "5") == [FieldError("", NOT_DIGIT)]
    assert form.schema() == {"anyOf": [DIGIT.schema(), {"type": "null"}]}


# ListOf


def test_each_value_of_a_list_is_read() -> None:
    """A list or a tuple is read to a tuple, and written as a list."""
    form = ListOf(DIGIT, 3)
    assert form.read([1, 2]) == form.read((1, 2)) == (1, 2)
    assert form.write((1, 2)) == [1, 2]


def test_null_in_a_list_that_takes_it_is_kept() -> None:
    """A valid null is a value like any other."""
    assert ListOf(OrNull(DIGIT), 3).read([1, None, 2]) == (1, None, 2)


def test_errors_in_a_list_have_their_index() -> None:
    """Every invalid value of a list has an error at its index."""
    assert errors(ListOf(DIGIT, 3), [1, "2", None]) == [
        FieldError("1", NOT_DIGIT),
        FieldError("2", NOT_DIGIT),
    ]


@pytest.mark.parametrize(
    ("form", "value", "detail"),
    [
        (ListOf(DIGIT, 3), "123", "must be a list"),
        (ListOf(DIGIT, 3), {"0": 1}, "must be a list"),
        (ListOf(DIGIT, 3), None, "must be a list"),
        (ListOf(DIGIT, 1), [1, 2], "must have at most 1 entry"),
        (ListOf(DIGIT, 3), [1, 2, 3, 4], "must have at most 3 entries"),
        (ListOf(DIGIT, 3, shortest=1), [], "must have at least 1 entry"),
        (ListOf(DIGIT, 3, shortest=2), [1], "must have at least 2 entries"),
    ],
)
def test_list_of_another_type_or_length_is_invalid(
    form: ListOf[int], value: object, detail: str
) -> None:
    """The error of a list as a whole says how many entries it may have."""
    assert errors(form, value) == [FieldError("", detail)]


def test_list_is_read_from_text_with_commas() -> None:
    """Each value between commas is read as text, and the length is checked."""
    form = ListOf(DIGIT, 3)
    assert form.read_text("1,2,3") == (1, 2, 3)
    for text in ("1,2,x", "", "1,,2", "1,2,3,4"):
        with pytest.raises(InvalidInput):
            form.read_text(text)


def test_list_has_no_keys() -> None:
    """Values without ids cannot be named by a key: the list is set as a whole."""
    form = ListOf(DIGIT, 3)
    assert form.put((1,), [], [2, 3], 0, Errors()) == (2, 3)
    with pytest.raises(UnknownKey):
        form.put((1,), ["0"], 2, 0, Errors())


def test_schema_of_a_list_has_its_bounds() -> None:
    """The schema has the least number of entries only if there is one."""
    items = DIGIT.schema()
    assert ListOf(DIGIT, 3).schema() == {"type": "array", "items": items, "maxItems": 3}
    assert ListOf(DIGIT, 3, shortest=1).schema() == {
        "type": "array",
        "items": items,
        "minItems": 1,
        "maxItems": 3,
    }


# Object


def test_object_is_read_with_defaults() -> None:
    """Omitted keys have their defaults, in the order of the declaration."""
    read = PERSON.read({"tags": ["a"], "name": "Alice"})
    assert list(read.items()) == [("name", "Alice"), ("age", 0), ("tags", ("a",))]
    assert PERSON.read({"name": "Alice"}) == {"name": "Alice", "age": 0, "tags": None}
    assert PERSON.write(read) == {"name": "Alice", "age": 0, "tags": ["a"]}


def test_all_errors_of_an_object_are_found_at_once() -> None:
    """Invalid, missing and unknown keys each have an error."""
    assert errors(PERSON, {"age": "5", "tags": ["a", 1], "nmae": "Alice"}) == [
        FieldError.missing("name"),
        FieldError("age", NOT_DIGIT),
        FieldError("tags.1", "must be a string"),
        FieldError.unknown("nmae", ["name", "age", "tags"]),
    ]


@pytest.mark.parametrize("value", [None, [], "{}", 5, True])
def test_other_types_are_not_objects(value: object) -> None:
    """Only a JSON object is read as one."""
    assert errors(PERSON, value) == [FieldError("", "must be an object")]


def test_query_is_read_from_texts() -> None:
    """Each text is read as its key needs it; defaults and errors are those of JSON."""
    assert PERSON.read_texts({"name": "5", "age": "5", "tags": "a,b"}) == {
        "name": "5",
        "age": 5,
        "tags": ("a", "b"),
    }
    assert PERSON.read_texts({"name": "a"}) == PERSON.read({"name": "a"})
    with pytest.raises(InvalidInput) as caught:
        PERSON.read_texts({"age": "x", "nmae": "Alice"})
    assert list(caught.value.errors) == errors(PERSON, {"age": "x", "nmae": "Alice"})


def test_changes_have_only_what_is_given() -> None:
    """In changes no key is required, and none has a default."""
    changes = PERSON.as_changes()
    assert changes.read({}) == {}
    assert changes.read({"age": 5}) == {"age": 5}
    assert changes.read_texts({"age": "5"}) == {"age": 5}
    assert errors(changes, {"age": None}) == [FieldError("age", NOT_DIGIT)]
    assert changes.schema()["required"] == []
    assert "default" not in changes.schema()["properties"]["age"]


def test_object_is_optional_if_all_keys_have_defaults() -> None:
    """A required key makes an object required, and so do changes, of which one must be given."""
    assert Object({}).is_optional
    assert Object({"a": Key(DIGIT, None)}).is_optional
    assert not PERSON.is_optional
    assert not Object({"a": Key(DIGIT, None)}).as_changes().is_optional


def test_schema_of_an_object_describes_each_key() -> None:
    """Defaults, descriptions and examples stand beside the schema of the value."""
    form = Object(
        {
            "a": Key(DIGIT, description="A digit.", examples=[1]),
            "b": Key(ListOf(DIGIT, 2), (1, 2)),
            "c": Key(OrNull(Flag()), None),
            "d": Key(Choice(("x",)), default=OMITTED),
        }
    )
    assert form.schema() == {
        "type": "object",
        "properties": {
            "a": {**DIGIT.schema(), "description": "A digit.", "examples": [1]},
            "b": {"type": "array", "items": DIGIT.schema(), "maxItems": 2, "default": [1, 2]},
            "c": {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
            "d": {"type": "string", "enum": ["x"]},
        },
        "required": ["a"],
        "additionalProperties": False,
    }


def test_default_that_python_takes_for_false_is_in_the_schema() -> None:
    """Zero, an empty string and false are defaults like others; None is that of no value."""
    for form, default in [(DIGIT, 0), (Text(), ""), (Flag(), False)]:
        assert Key(form, default).schema()["default"] == default
    assert "default" not in Key(DIGIT, None).schema()


@given(
    st.dictionaries(
        st.sampled_from(["name", "age", "tags", "x"]),
        st.none() | st.integers(-1, 10) | st.text(max_size=6) | st.lists(st.text(max_size=6)),
    )
)
def test_object_is_valid_exactly_if_it_matches_the_schema(value: dict[str, Any]) -> None:
    """The schema and ``read`` agree on any object."""
    matches = Draft202012Validator(PERSON.schema()).is_valid(value)
    try:
        PERSON.read(value)
    except InvalidInput:
        assert not matches
    else:
        assert matches


def test_value_of_a_key_with_an_error_is_none() -> None:
    """What can be read of an object is returned beside the errors, and other names are ignored."""
    found = Errors()
    read = read_keys({"age": "x", "y": 1}, {**PERSON.keys, "z": Key(Anything(), 7)}, found)
    assert read == {"name": None, "age": None, "tags": None, "z": 7}
    assert {error.key for error in found.as_exception().errors} == {"name", "age"}
