"""A type of settings document: read it, write it, and change it at a dotted key.

Pure: each change returns a new document, or raises with everything that is wrong with it. Values
are parsed JSON, and ``now`` is in whole seconds since the epoch.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import attrs

from qabel.forms.compound import Key, add_unknown_keys
from qabel.forms.errors import Errors, UnknownKey, invalid, shorten_name
from qabel.forms.form import Form, Schema
from qabel.settings.stored import is_stored
from qabel.settings.used_ids import UsedId, UsedIds

MAX_SIZE = 16 * 1024 * 1024
"""Bytes of the JSON text of a whole document."""

D = TypeVar("D")


def no_rules(document: object, errors: Errors) -> None:
    """Add no errors: the keys of the document do not depend on each other."""


def no_rules_of_change(old: object, new: object, errors: Errors) -> None:
    """Add no errors: whatever is valid may follow on whatever was valid."""


@attrs.frozen(eq=False)
class DocumentType(Generic[D]):
    """What all documents of one type have in common.

    ``document_class`` makes documents, which have the value of each of the ``keys``. ``rules`` adds
    the errors between the values of a document. It sees only valid values: those with errors are
    left out, or are the old ones.
    """

    document_class: type[D]
    keys: Mapping[str, Key]
    rules: Callable[[D, Errors], None] = no_rules
    rules_of_change: Callable[[D, D, Errors], None] = no_rules_of_change
    """Adds the errors that only what has changed can have; called with the document before and
    after. What is stored may have them."""
    largest: int | None = None
    """Bytes of JSON text that a change may make of a document; None for ``MAX_SIZE``."""

    def default(self) -> D:
        """Return the document before anything is set."""
        return self.document_class(
            **{key.attribute or name: key.default for name, key in self.keys.items()}
        )

    def parse(self, value: object, *, now: int, previous: D | None = None) -> D:
        """Read a whole document.

        Omitted keys have their defaults, but for those that are kept: these stay. Items without an
        id get a free one, and missing times are filled in: an item that differs from the previous
        one is ``updated`` now, unless the value says otherwise.

        Args:
            value: the document as parsed JSON.
            now: seconds since the epoch.
            previous: the document that it replaces, if any; returned if nothing changes.

        Raises:
            InvalidInput: the document is not valid.

        """
        if not isinstance(value, dict):
            raise invalid("must be an object")
        old = self.default() if previous is None else previous
        errors = Errors()
        add_unknown_keys(value, self.keys, errors)
        parts = {
            name: self._update(name, old, value[name], now, errors)
            if name in value
            else (self._part(old, name) if key.keeps else key.default)
            for name, key in self.keys.items()
        }
        return self._checked(old, self._with(old, parts), errors)

    def set(self, old: D, key: str, value: object, *, now: int) -> D:
        """Return the document with the value at a dotted key replaced.

        Args:
            old: the document to change; returned if nothing changes.
            key: leads to a single value or a whole branch, with items named by their ids.
            value: parsed JSON.
            now: seconds since the epoch.

        Raises:
            UnknownKey: the key leads nowhere.
            InvalidInput: the document would not be valid.

        """
        name, *path = key.split(".")
        if name not in self.keys or "" in path:
            raise UnknownKey(shorten_name(key), "the document has no such key")
        errors = Errors()
        part, form = self._part(old, name), self._form(old, name)
        try:
            part = form.put(part, path, value, now, errors.under(name))
        except UnknownKey as unknown:
            raise UnknownKey(shorten_name(key), unknown.detail) from None
        return self._checked(old, self._with(old, {name: part}), errors)

    def merge(self, old: D, patch: object, *, now: int) -> D:
        """Return the document with a JSON merge patch (RFC 7396) applied.

        A key that the patch removes has its default again.

        Args:
            old: the document to change; returned if nothing changes.
            patch: the patch as parsed JSON.
            now: seconds since the epoch.

        Raises:
            InvalidInput: the patch, or the document after it, is not valid.

        """
        if not isinstance(patch, dict):
            raise invalid("must be an object")
        errors = Errors()
        parts = {}
        for name, change in patch.items():
            if name in self.keys:
                parts[name] = self._merge(name, old, change, now, errors)
            elif change is not None:
                errors.add_unknown(name, self.keys)
        return self._checked(old, self._with(old, parts), errors)

    def used_since(self, old: D, new: D) -> Sequence[UsedId]:
        """Return the ids that a new document uses, and an old one did not know."""
        return ()

    def knowing(self, document: D, used: Mapping[str, UsedIds]) -> D:
        """Return a document that knows which ids were used before."""
        return document

    def to_builtins(self, document: D) -> dict[str, Any]:
        """Return a copy of the document as builtins that JSON can represent."""
        return {name: key.form.write(self._part(document, name)) for name, key in self.keys.items()}

    def encode(self, document: D) -> bytes:
        """Return the document as compact JSON text."""
        members = [
            b'"%b":%b' % (name.encode(), key.form.encode(self._part(document, name)))
            for name, key in self.keys.items()
        ]
        return b"{%b}" % b",".join(members)

    def json_schema(self) -> Schema:
        """Return the JSON Schema (2020-12) of the documents that ``parse`` accepts."""
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": self.document_class.__name__,
            "type": "object",
            "properties": {name: key.schema() for name, key in self.keys.items()},
            "additionalProperties": False,
        }

    def _part(self, document: D, name: str) -> Any:
        return getattr(document, self.keys[name].attribute or name)

    def _with(self, old: D, parts: Mapping[str, Any]) -> D:
        values = {
            key.attribute or name: parts[name] if name in parts else self._part(old, name)
            for name, key in self.keys.items()
        }
        return self.document_class(**values)

    def _checked(self, old: D, new: D, errors: Errors) -> D:
        self.rules(new, errors)
        if not is_stored():
            self.rules_of_change(old, new, errors)
        if not errors and new == old:
            return old
        largest = MAX_SIZE if self.largest is None or is_stored() else self.largest
        if not errors and len(self.encode(new)) > largest:
            errors.add("", f"must not exceed {largest} bytes of JSON")
        errors.raise_any()
        return new

    def _update(self, name: str, old: D, value: object, now: int, errors: Errors) -> Any:
        part = self._part(old, name)
        return self._form(old, name).update(value, part, now, errors.under(name))

    def _form(self, document: D, name: str) -> Form[Any]:
        """Return the form that reads what replaces a part of a document."""
        return self.keys[name].form

    def _merge(self, name: str, old: D, change: object, now: int, errors: Errors) -> Any:
        if change is None:
            return self.keys[name].default
        part, key = self._part(old, name), self.keys[name]
        if not isinstance(change, dict):
            return self._update(name, old, change, now, errors)
        try:
            merged = _merged(key.form.write(part), change)
        except RecursionError:
            errors.add(name, "is nested too deeply")
            return part
        # What is missing now was removed.
        return self._form(old, name).update(merged, key.default, now, errors.under(name))


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
