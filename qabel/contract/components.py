"""The named parts of the API document, and how schemas are written so that clients are good.

Generators of clients take some of JSON Schema otherwise than it is meant. With ``default``, they
require a property that may be omitted; objects without ``additionalProperties`` have no members at
all; and types without a name get one from the path that leads to them.
"""

import json
from inspect import cleandoc

from attrs import define, field

from qabel.contract.schema_tree import changed
from qabel.forms.form import Schema

TEMPLATE = "#/components/schemas/{name}"

_ABOUT = ("description", "default", "examples")


def reference(name: str) -> Schema:
    """Return the schema that refers to a named part."""
    return {"$ref": TEMPLATE.format(name=name)}


@define(eq=False)
class Components:
    """Collects named parts: schemas with a title, which stand elsewhere as references to them."""

    parts: dict[str, Schema] = field(factory=dict, init=False)

    def add(self, name: str, schema: Schema) -> Schema:
        """Add a named part, and return the reference to it.

        Raises:
            ValueError: another schema has the name.

        """
        part = _written(changed(schema, self._within))
        part.pop("title", None)
        if self.parts.setdefault(name, part) != part:
            raise ValueError(f"two schemas are named {name}")
        return reference(name)

    def lift(self, schema: Schema) -> Schema:
        """Return a schema as it stands in the document, with references to its named parts."""
        return self._within(_written(changed(schema, self._within)))

    def _within(self, schema: Schema) -> Schema:
        title = schema.get("title")
        if title is None:
            return _written(schema)
        # What is said of the value at this key is not said of the part.
        about: Schema = {name: schema[name] for name in _ABOUT if name in schema}
        lifted = self.add(title, {name: schema[name] for name in schema if name not in about})
        return _written({**lifted, **about})


def _written(schema: Schema) -> Schema:
    """Return a schema as generators understand it; the schemas within it are written already."""
    written = dict(schema)
    if len(schema.get("enum", ())) == 1:
        [written["const"]] = written.pop("enum")
    values = schema.get("enum", [schema["const"]] if "const" in schema else [])
    if values and all(isinstance(each, str) for each in values):
        written["type"] = "string"
    if "enum" in written:
        written["enum"] = sorted(values)
    if schema.get("type") == "object":
        written.setdefault("additionalProperties", True)
    if "description" in schema:
        written["description"] = cleandoc(schema["description"]).replace("``", "`")
    return _without_default(written)


def _without_default(schema: Schema) -> Schema:
    if "default" not in schema:
        return schema
    default = schema.pop("default")
    if default is None or default in ({}, [], ""):
        return schema
    said = f"Default: `{json.dumps(default, ensure_ascii=False)}`."
    schema["description"] = f"{schema['description']} {said}" if "description" in schema else said
    schema.setdefault("examples", [default])
    return schema
