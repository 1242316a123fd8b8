"""Schemas of requests and responses, made from types and forms; named parts occur once."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from attrs import frozen

from qabel.contract.components import TEMPLATE, Components
from qabel.contract.schema_tree import changed
from qabel.forms import plain
from qabel.forms.form import Schema

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
BYTES = Media({"type": "string", "format": "binary"})
ANY_OBJECT = Media(plain.ANY_OBJECT)

Content = Any
"""The body of a response: a type, a Document or Media; None if there is no body."""


@frozen
class Schemas:
    """The schemas of all bodies, and the named parts to which they refer."""

    _found: Mapping[int, Schema]
    components: Components

    @property
    def parts(self) -> Mapping[str, Schema]:
        """The named parts."""
        return self.components.parts

    def of(self, given: Content) -> Schema:
        """Return the schema of a body, which must be among those that ``schemas_of`` got."""
        return {} if given is None else self._found[id(given)]


def schemas_of(given: Iterable[Content]) -> Schemas:
    """Return the schemas of bodies, and the named parts to which they refer.

    Raises ValueError if two parts have the same name.
    """
    things = [each for each in given if each is not None]
    types = [each for each in things if not isinstance(each, Document | Media)]
    schemas, named = msgspec.json.schema_components(types, ref_template=TEMPLATE)
    components = Components()
    for name, schema in named.items():
        components.add(name.removesuffix(_VIEW), changed(schema, _renamed))
    found = {
        id(kind): components.lift(_renamed(changed(schema, _renamed)))
        for kind, schema in zip(types, schemas, strict=True)
    }
    for each in things:
        if isinstance(each, Document):
            found[id(each)] = components.add(each.name, dict(each.schema))
        elif isinstance(each, Media):
            found[id(each)] = components.lift(dict(each.schema))
    return Schemas(found, components)


def _renamed(schema: Schema) -> Schema:
    """Return a schema with the suffix removed from the names of parts."""
    renamed = dict(schema)
    if "$ref" in schema:
        renamed["$ref"] = schema["$ref"].removesuffix(_VIEW)
    if "discriminator" in schema:
        mapping = schema["discriminator"]["mapping"]
        short = {name: part.removesuffix(_VIEW) for name, part in mapping.items()}
        renamed["discriminator"] = {**schema["discriminator"], "mapping": short}
    return renamed
