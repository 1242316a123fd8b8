"""The schemas within a schema."""

from typing import Any

from qabel.contract.schema_tree import changed, whole

NESTED: dict[str, Any] = {
    "type": "object",
    "properties": {
        "title": {"type": "string"},
        "parts": {"type": "array", "items": {"anyOf": [{"type": "integer"}, {"type": "null"}]}},
    },
    "additionalProperties": {"not": {"type": "boolean"}},
    "contentSchema": {"oneOf": [{"allOf": [{"type": "number"}]}]},
}


def test_all_schemas_within_are_changed_from_the_inside() -> None:
    """Properties are told from keywords of the same name, and the schema itself stays."""
    seen: list[str] = []

    def note(schema: dict[str, Any]) -> dict[str, Any]:
        seen.append(schema.get("type") or next(iter(schema)))
        return {**schema, "seen": True}

    result = changed(NESTED, note)
    expected = {"string", "integer", "null", "anyOf", "array", "boolean", "not", "number"}
    assert set(seen) == expected | {"allOf", "oneOf"}
    assert seen.index("integer") < seen.index("anyOf") < seen.index("array")
    assert result["properties"]["title"] == {"type": "string", "seen": True}
    assert "seen" not in result
    assert "seen" not in str(NESTED)


def test_values_that_are_no_schemas_stay() -> None:
    """``additionalProperties`` may be true or false."""
    assert changed({"additionalProperties": False}, lambda _: {}) == {"additionalProperties": False}


def test_whole_requires_every_property() -> None:
    """That holds at any level, and what is always there needs no default."""
    inner = {"type": "object", "properties": {"b": {"type": "string", "default": "x"}}}
    assert whole({"properties": {"a": {**inner, "default": {}}}, "required": []}) == {
        "properties": {
            "a": {"type": "object", "properties": {"b": {"type": "string"}}, "required": ["b"]}
        },
        "required": ["a"],
    }
