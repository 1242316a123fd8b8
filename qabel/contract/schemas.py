"""Schemas of what is asked and answered: made of types and forms, named parts once each."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from attrs import frozen

from qabel.forms.form import Schema

TEMPLATE = "#/components/schemas/{name}"

_VIEW = "View"
"""The end of the names of types that are what clients see of something."""


@frozen
class Document:
    """A named part whose schema is made by forms, not by a type."""

    name: str
    schema: Mapping[str, Any]


@frozen
class Media:
    """A body that is not JSON, of which the contract tells no more than its kind."""

    schema: Mapping[str, Any]


TEXT = Media({"type": "string"})
BYTES = Media({})
ANY_OBJECT = Media({"type": "object"})

Gives = Any
"""What an answer is: a type, a Document or Media; None if there is no body."""


@frozen
class Schemas:
    """The schemas of all that routes give, and the named parts that these refer to."""

    _found: Mapping[int, Schema]
    parts: Mapping[str, Schema]

    def of(self, given: Gives) -> Schema:
        """Return the schema of one of them."""
        return {} if given is None else self._found[id(given)]


def schemas_of(given: Iterable[Gives]) -> Schemas:
    """Make the schemas of all that routes give."""
    things = [each for each in given if each is not None]
    types = [each for each in things if not isinstance(each, Document | Media)]
    schemas, named = msgspec.json.schema_components(types, ref_template=TEMPLATE)
    found = {id(kind): _renamed(schema) for kind, schema in zip(types, schemas, strict=True)}
    parts = {name.removesuffix(_VIEW): _renamed(schema) for name, schema in named.items()}
    for each in things:
        if isinstance(each, Document):
            parts[each.name] = dict(each.schema)
            found[id(each)] = reference(each.name)
        elif isinstance(each, Media):
            found[id(each)] = dict(each.schema)
    return Schemas(found, parts)


def reference(name: str) -> Schema:
    """Return a reference to a named part."""
    return {"$ref": TEMPLATE.format(name=name)}


def _renamed(schema: Any) -> Any:
    """Return a schema with the short names of parts, and without titles: the names are enough."""
    if isinstance(schema, list):
        return [_renamed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    renamed = {
        name: _renamed(each)
        for name, each in schema.items()
        if not (name == "title" and isinstance(each, str))
    }
    if isinstance(renamed.get("$ref"), str):
        renamed["$ref"] = renamed["$ref"].removesuffix(_VIEW)
    return renamed
