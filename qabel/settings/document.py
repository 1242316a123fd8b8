"""A kind of settings document: reading, writing, and changing one at a dotted key.

Pure: each change makes a new document, or says all that is wrong with it. Values are parsed JSON,
``now`` is in whole seconds since the epoch.
"""

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from qabel.forms.compound import Key, add_unknown_keys
from qabel.forms.errors import Errors, UnknownKey, invalid, shorten_name
from qabel.forms.form import Schema

MAX_SIZE = 16 * 1024 * 1024
"""Bytes of the JSON text of a whole document."""

D = TypeVar("D")


class DocumentType(Generic[D]):
    """What the documents of one kind have in common.

    ``make`` is the class of the documents, ``rules`` notes what is wrong between the parts of a
    document whose parts are right (those with errors are left out, or as they were).
    """

    def __init__(
        self,
        make: type[D],
        members: Mapping[str, Key],
        rules: Callable[[D, Errors], None] = lambda _document, _errors: None,
    ) -> None:
        self._make = make
        self._members = members
        self._rules = rules

    def default(self) -> D:
        """Give the document as it is before anything was set."""
        return self._make(
            **{key.attribute or name: key.default for name, key in self._members.items()}
        )

    def parse(self, value: object, *, now: int, previous: D | None = None) -> D:
        """Read a whole document, which is to stand in the place of the previous one, if any.

        Keys left out take their defaults. Items without an id get one that is free, missing times
        are filled in, and items that differ from the previous ones are ``updated`` now, unless
        they say otherwise themselves. Raises InvalidInput.
        """
        if not isinstance(value, dict):
            raise invalid("must be an object")
        old = self.default() if previous is None else previous
        errors = Errors()
        add_unknown_keys(value, self._members, errors)
        parts = {
            name: self._update(name, old, value[name], now, errors)
            if name in value
            else member.default
            for name, member in self._members.items()
        }
        return self._checked(old, self._with(old, parts), errors)

    def set(self, old: D, key: str, value: object, *, now: int) -> D:
        """Give the document with a value at a dotted key, be it a leaf or a branch.

        Items are addressed by their ids. Raises UnknownKey or InvalidInput.
        """
        name, *path = key.split(".")
        member = self._members.get(name)
        if member is None or "" in path:
            raise UnknownKey(shorten_name(key), "the document has no such key")
        errors = Errors()
        part = self._part(old, name)
        try:
            part = member.form.put(part, path, value, now, errors.under(name))
        except UnknownKey as unknown:
            raise UnknownKey(shorten_name(key), unknown.detail) from None
        return self._checked(old, self._with(old, {name: part}), errors)

    def merge(self, old: D, patch: object, *, now: int) -> D:
        """Give the document with a JSON merge patch applied (RFC 7396).

        A key that the patch removes takes its default. Raises InvalidInput.
        """
        if not isinstance(patch, dict):
            raise invalid("must be an object")
        errors = Errors()
        parts = {}
        for name, change in patch.items():
            if name in self._members:
                parts[name] = self._merge(name, old, change, now, errors)
            elif change is not None:
                errors.add_unknown(name, self._members)
        return self._checked(old, self._with(old, parts), errors)

    def to_builtins(self, document: D) -> dict[str, Any]:
        """Give the document as what JSON is made of, as a copy."""
        return {
            name: member.form.write(self._part(document, name))
            for name, member in self._members.items()
        }

    def encode(self, document: D) -> bytes:
        """Write the document as compact JSON text."""
        members = [
            b'"%b":%b' % (name.encode(), member.form.encode(self._part(document, name)))
            for name, member in self._members.items()
        ]
        return b"{%b}" % b",".join(members)

    def json_schema(self) -> Schema:
        """Describe the documents that ``parse`` takes, as JSON Schema 2020-12."""
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": self._make.__name__,
            "type": "object",
            "properties": {name: member.schema() for name, member in self._members.items()},
            "additionalProperties": False,
        }

    def _part(self, document: D, name: str) -> Any:
        return getattr(document, self._members[name].attribute or name)

    def _with(self, old: D, parts: Mapping[str, Any]) -> D:
        values = {
            member.attribute or name: parts[name] if name in parts else self._part(old, name)
            for name, member in self._members.items()
        }
        return self._make(**values)

    def _checked(self, old: D, new: D, errors: Errors) -> D:
        self._rules(new, errors)
        if not errors and new == old:
            return old
        if not errors and len(self.encode(new)) > MAX_SIZE:
            errors.add("", f"the whole document must have at most {MAX_SIZE} bytes of JSON")
        errors.raise_any()
        return new

    def _update(self, name: str, old: D, value: object, now: int, errors: Errors) -> Any:
        member = self._members[name]
        part = self._part(old, name)
        return member.form.update(value, part, now, errors.under(name))

    def _merge(self, name: str, old: D, change: object, now: int, errors: Errors) -> Any:
        member = self._members[name]
        if change is None:
            return member.default
        part = self._part(old, name)
        try:
            if isinstance(change, dict):
                change = _merged(member.form.write(part), change)
        except RecursionError:
            errors.add(name, "lies too deep")
            return part
        return self._update(name, old, change, now, errors)


def _merged(target: object, patch: object) -> object:
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, change in patch.items():
        if change is None:
            result.pop(name, None)
        else:
            result[name] = _merged(result.get(name), change)
    return result
