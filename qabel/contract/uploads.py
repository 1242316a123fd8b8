"""Identity and contact files as bodies of requests: the file itself, or an object with it."""

import re
from collections.abc import Sequence
from typing import Any

import attrs
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
from qabel.contract.components import reference
from qabel.contract.routes import Raw
from qabel.forms.compound import Key, Object
from qabel.forms.errors import invalid
from qabel.forms.form import Form, Schema
from qabel.jsontext import InvalidJSON, as_utf8, encode, parse

TEXT = "text/plain"
BYTES = "application/octet-stream"

RAW_TYPES = frozenset({"", JSON, TEXT, BYTES})

LONGEST_NUMBER = 20
"""Form fields shorter than this may be numbers; a public key of only digits is longer."""

_MARK = b"QABELCONTACT"
_JSON_BEGINNINGS = (b"{", b"%7B", b"%7b")
_FORM_WITH_FILE = re.compile(rb"(?:\w+=[^&\s]*&)*document=")


@attrs.frozen
class FileForm(Form[bytes]):
    """A file in an object: as JSON, which has one of the types, or as text. It is parsed later."""

    types: Sequence[type[msgspec.Struct]]

    def read(self, value: object) -> bytes:
        """Return the bytes of the file."""
        if isinstance(value, bytes):
            return value
        try:
            return value.encode() if isinstance(value, str) else encode(value)
        except (UnicodeEncodeError, InvalidJSON):
            raise invalid("must not contain an unpaired surrogate") from None

    def write(self, value: bytes) -> str:
        """Return the file as text."""
        return value.decode()

    def schema(self) -> Schema:
        """Return the schema of such files, and of text."""
        return {"anyOf": [*self.json_schemas(), {"type": "string"}]}

    def json_schemas(self) -> list[Schema]:
        """Return the schemas of such files as JSON."""
        return [reference(kind.__name__) for kind in self.types]


def upload(
    title: str, what: str, types: Sequence[type[msgspec.Struct]], **keys: Key
) -> tuple[Object, Raw]:
    """Return the declaration of a body that is a file, or an object with it under ``document``.

    Args:
        title: the name of the object in the API document.
        what: the file, for people: "The .qid document".
        types: the types of the file as JSON.
        keys: further keys of the object.

    Returns:
        The form of the object that ``read_upload`` returns, and the description of the body.

    """
    file = FileForm(types)
    wrapped = Object({"document": Key(file, description=f"{what}.")} | keys, title=title)
    schema: Schema = {"anyOf": [wrapped.schema(), *file.json_schemas()]}
    description = (
        f"{what}, in an object under `document`, or the document itself, also as `{TEXT}` or "
        f"`{BYTES}`."
    )
    return wrapped, Raw(description, schema)


def read_upload(header: bytes | None, data: bytes) -> dict[str, object]:
    """Return the object with a file that is in a body, whether alone or under ``document``.

    Args:
        header: Content-Type.
        data: the body.

    Raises:
        WrongType: the content type is not that of a file, an object or a form.
        BadBody: the body is a malformed form.

    """
    kind, _ = media_type(header)
    # Files that curl sends with --data-binary are declared as forms.
    if kind in RAW_TYPES or (kind == FORM and _is_file(as_utf8(data).lstrip())):
        return _object_of(data)
    if kind not in (FORM, MULTIPART):
        raise WrongType(f"The body must be the file itself, {JSON}, {FORM} or {MULTIPART}.")
    return {name: _value(name, text) for name, text in read_fields(header, data).items()}


def _is_file(data: bytes) -> bool:
    """Return whether a body is a file, or a text with cards in it, and no form.

    A form consists of ASCII; what does not, such as an image, is named when it is read as a file.
    """
    if _FORM_WITH_FILE.match(data):
        return False
    if data.startswith(_JSON_BEGINNINGS) or _MARK in data or b'{"' in data:
        return True
    return not data.isascii()


def _object_of(data: bytes) -> dict[str, Any]:
    """Return the object that is the body, or one with the body as its file."""
    if b'"document"' not in data:
        return {"document": data}  # parsing a large file here would hold up the reactor
    try:
        value = parse(as_utf8(data))
    except InvalidJSON:
        value = None
    if isinstance(value, dict) and "document" in value:
        return value
    return {"document": data}


def _value(name: str, text: str) -> object:
    is_short = name != "document" and len(text) < LONGEST_NUMBER
    return json_or_text(text) if is_short else text
