"""Named parts of the API document, and schemas as generators of clients understand them."""

from typing import Any

import pytest

from qabel.contract.components import Components, reference


def lifted(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema as it stands in the document."""
    return Components().lift(schema)


def test_titled_schemas_become_parts() -> None:
    """Parts may be within parts; each stands once, and what is said of the key stays there."""
    components = Components()
    coat = {"title": "Coat", "type": "object", "properties": {}, "description": "For winter."}
    person = {"title": "Person", "properties": {"coats": {"items": coat}, "best": coat}}
    assert components.lift({"items": person}) == {"items": reference("Person")}
    assert components.parts == {
        "Coat": {"type": "object", "properties": {}, "additionalProperties": True},
        "Person": {
            "properties": {
                "coats": {"items": {**reference("Coat"), "description": "For winter."}},
                "best": {**reference("Coat"), "description": "For winter."},
            }
        },
    }


def test_property_named_title_is_no_name() -> None:
    """Only the keyword names a schema."""
    schema = {"properties": {"title": {"type": "string"}}}
    components = Components()
    assert components.lift(schema) == schema
    assert components.parts == {}


def test_name_stands_for_one_schema() -> None:
    """The same part may come again, another one may not."""
    components = Components()
    part = {"title": "Part", "type": "string"}
    assert components.lift(part) == components.lift(part)
    with pytest.raises(ValueError, match="two schemas are named Part"):
        components.lift({"title": "Part", "type": "integer"})


def test_default_is_said_and_is_an_example() -> None:
    """Generators require properties that have a default, and clients send them."""
    assert lifted({"type": "integer", "default": 5, "description": "A size."}) == {
        "type": "integer",
        "description": "A size. Default: `5`.",
        "examples": [5],
    }
    assert lifted({"type": "boolean", "default": False}) == {
        "type": "boolean",
        "description": "Default: `false`.",
        "examples": [False],
    }
    for nothing in ("", None, [], {}):
        assert lifted({"default": nothing}) == {}


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ({"enum": ["b", "a"]}, {"type": "string", "enum": ["a", "b"]}),
        ({"enum": ["a"]}, {"type": "string", "const": "a"}),
        ({"const": 1}, {"const": 1}),
        ({"type": "object"}, {"type": "object", "additionalProperties": True}),
        (
            {"type": "object", "additionalProperties": False},
            {"type": "object", "additionalProperties": False},
        ),
        ({"description": "Of ``a``\n    thing."}, {"description": "Of `a`\nthing."}),
    ],
)
def test_schemas_are_explicit(given: dict[str, Any], written: dict[str, Any]) -> None:
    """Strings have their type, one value is a constant, objects say whether they are open."""
    assert lifted(given) == written
    assert lifted({"items": given}) == {"items": written}
