"""Schemas of requests and responses, made from types and forms; named parts occur once."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from attrs import frozen

from qabel.forms.form import Schema

TEMPLATE = "#/components/schemas/{name}"

_VIEW = "View"
"""The suffix of the names of types that are what clients see of something."""


@frozen
class Document:
    """A named part whose schema comes from forms, and not from a type."""

    name: str
    schema: Mapping[str, Any]


@frozen
class Media:
    """A body that is described by its schema alone, since it is not JSON, or is any object."""

    schema: Mapping[str, Any]


TEXT = Media({"type": "string"})
BYTES = Media({})
ANY_OBJECT = Media({"type": "object"})

Content = Any
"""The body of a response: a type, a Document or Media; None if there is no body."""


@frozen
class Schemas:
    """The schemas of all bodies, and the named ``parts`` to which they refer."""

    _found: Mapping[int, Schema]
    parts: Mapping[str, Schema]

    def of(self, given: Content) -> Schema:
        """Return the schema of a body, which must be among those that ``schemas_of`` got."""
        return {} if given is None else self._found[id(given)]


def schemas_of(given: Iterable[Content]) -> Schemas:
    """Return the schemas of bodies, and the named parts to which they refer."""
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
    """Return the schema that refers to a named part."""
    return {"$ref": TEMPLATE.format(name=name)}


def _renamed(schema: Any) -> Any:
    """Return a schema without titles, and with the suffix removed from the names of parts."""
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
