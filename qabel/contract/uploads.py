"""Files that people hand each other, as bodies of requests: as they are, or in an object."""

from collections.abc import Sequence
from typing import Any

import msgspec

from qabel.contract.body import (
    FORM,
    JSON,
    MULTIPART,
    WrongType,
    json_or_text,
    media_type,
    read_fields,
)
from qabel.contract.routes import Raw
from qabel.contract.schemas import reference
from qabel.forms.compound import Key, Object
from qabel.forms.errors import invalid
from qabel.forms.form import Form, Schema
from qabel.jsontext import InvalidJSON, encode, parse

TEXT = "text/plain"
BYTES = "application/octet-stream"

RAW_TYPES = frozenset({"", JSON, TEXT, BYTES})

LONGEST_NUMBER = 20
"""Characters of a form's field that may be a number; a public key of digits alone is none."""

_BEGINNINGS = (b"{", b"QABELCONTACT")


class FileForm(Form[bytes]):
    """A file in an object: as JSON, or as a text. What is in it is found out later."""

    def __init__(self, kinds: Sequence[type[msgspec.Struct]]) -> None:
        """Take files of any of these kinds."""
        self._kinds = kinds

    def read(self, value: object) -> bytes:
        """Return its bytes."""
        if isinstance(value, bytes):
            return value
        try:
            return value.encode() if isinstance(value, str) else encode(value)
        except (UnicodeEncodeError, InvalidJSON):
            raise invalid("must not have an unpaired surrogate") from None

    def write(self, value: bytes) -> str:
        """Return it as a text."""
        return value.decode()

    def schema(self) -> Schema:
        """Describe it."""
        return {"anyOf": [*self.json_schemas(), {"type": "string"}]}

    def json_schemas(self) -> list[Schema]:
        """Describe what it may be in JSON."""
        return [reference(kind.__name__) for kind in self._kinds]


def upload(what: str, kinds: Sequence[type[msgspec.Struct]], **keys: Key) -> tuple[Object, Raw]:
    """Declare a body that is a file, or has one in it under ``document``.

    Args:
        what: the file, for people.
        kinds: what it may be in JSON.
        keys: what else may stand beside ``document``.

    Returns:
        The object with the file in it, and what the contract tells of the body.

    """
    file = FileForm(kinds)
    wrapped = Object({"document": Key(file), **keys})
    schema = wrapped.schema()
    content: dict[str, Schema] = {
        JSON: {"anyOf": [*file.json_schemas(), schema]},
        TEXT: {"type": "string"},
        BYTES: {},
        FORM: schema,
        MULTIPART: schema,
    }
    return wrapped, Raw(
        f"{what} itself, or a form or object that has it under `document`.", content
    )


def read_upload(header: bytes | None, data: bytes) -> dict[str, object]:
    """Read a body that is a file, or has one under ``document``.

    Args:
        header: Content-Type.
        data: the body.

    Returns:
        The object with the file in it.

    Raises:
        WrongType, BadBody.

    """
    kind, _ = media_type(header)
    # curl calls any file a form.
    if kind in RAW_TYPES or (kind == FORM and data.lstrip().startswith(_BEGINNINGS)):
        return _object_of(data)
    if kind not in (FORM, MULTIPART):
        raise WrongType(f"The body must be the file itself, {JSON}, {FORM} or {MULTIPART}.")
    return {name: _value(name, text) for name, text in read_fields(header, data).items()}


def _object_of(data: bytes) -> dict[str, Any]:
    """Return the object with the file in it, or make it of the file."""
    try:
        value = parse(data)
    except InvalidJSON:
        value = None
    if isinstance(value, dict) and "document" in value:
        return value
    return {"document": data}


def _value(name: str, text: str) -> object:
    is_short = name != "document" and len(text) < LONGEST_NUMBER
    return json_or_text(text) if is_short else text
