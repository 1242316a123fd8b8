"""Schemas as trees: where the schemas within a schema are."""

from collections.abc import Callable
from typing import Any

from qabel.forms.form import Schema

_ONE = ("items", "additionalProperties", "contentSchema", "not")
"""Keywords whose value is a schema."""

_SEVERAL = ("anyOf", "oneOf", "allOf")
"""Keywords whose value is a list of schemas."""


def changed(schema: Schema, change: Callable[[Schema], Schema]) -> Schema:
    """Return a schema after a change of the schemas within it, the innermost first.

    Args:
        schema: the schema; it stays as it is.
        change: returns what stands in place of a schema; those within it are changed already.

    """

    def within(value: Any) -> Any:
        return change(changed(value, change)) if isinstance(value, dict) else value

    result = dict(schema)
    for keyword in _ONE:
        if keyword in schema:
            result[keyword] = within(schema[keyword])
    for keyword in _SEVERAL:
        if keyword in schema:
            result[keyword] = [within(each) for each in schema[keyword]]
    if "properties" in schema:
        result["properties"] = {name: within(each) for name, each in schema["properties"].items()}
    return result


def whole(schema: Schema) -> Schema:
    """Return the schema of values in which nothing is omitted, at any level."""

    def require(each: Schema) -> Schema:
        given = {name: value for name, value in each.items() if name != "default"}
        return {**given, "required": list(each["properties"])} if "properties" in each else given

    return require(changed(schema, require))
