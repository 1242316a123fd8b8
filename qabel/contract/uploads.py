"""Files that people hand each other, as bodies of requests."""

from qabel.contract.body import (
    FORM,
    JSON,
    MULTIPART,
    BadBody,
    WrongType,
    json_or_text,
    media_type,
    read_fields,
)
from qabel.contract.routes import Raw
from qabel.contract.schemas import OPTIONAL_REFERENCE, STRING, Schema, ref
from qabel.forms.errors import shown
from qabel.jsontext import InvalidJSON, encode, parse

TEXT = "text/plain"
BYTES = "application/octet-stream"

RAW_TYPES = frozenset({"", JSON, TEXT, BYTES})

_BEGINNINGS = (b"{", b"QABELCONTACT")


def _body(what: str, file: Schema, *, with_identity: bool) -> Raw:
    """Tell of a body that is a file, or has one in it."""
    members: dict[str, Schema] = {"document": {"anyOf": [file, STRING]}}
    if with_identity:
        members["identity"] = {**OPTIONAL_REFERENCE, "description": "Whose it is to be."}
    wrapped = {
        "type": "object",
        "properties": members,
        "required": ["document"],
        "additionalProperties": False,
    }
    return Raw(
        f"{what} itself, or a form or object that has it under `document`.",
        {
            JSON: {"anyOf": [file, wrapped]},
            TEXT: STRING,
            BYTES: {},
            FORM: wrapped,
            MULTIPART: wrapped,
        },
    )


IDENTITY_BODY = _body("The .qid document", ref("IdentityFile"), with_identity=False)
CONTACT_BODY = _body("The .qco document", ref("ContactFile"), with_identity=True)


def read_upload(header: bytes | None, data: bytes) -> tuple[bytes, dict[str, object]]:
    """Read a body that is a file, or has one under ``document``; and what else is in it.

    Args:
        header: Content-Type.
        data: the body.

    Returns:
        The file, and the other members.

    Raises:
        WrongType, BadBody.

    """
    kind, _ = media_type(header)
    # curl calls any file a form.
    if kind in RAW_TYPES or (kind == FORM and data.lstrip().startswith(_BEGINNINGS)):
        return _in_object(data)
    if kind not in (FORM, MULTIPART):
        raise WrongType(f"The body must be the file itself, {JSON}, {FORM} or {MULTIPART}.")
    return _taken_apart({**read_fields(header, data)})


def _in_object(data: bytes) -> tuple[bytes, dict[str, object]]:
    """Tell the file from an object with the file in it."""
    try:
        value = parse(data)
    except InvalidJSON:
        return data, {}
    if not isinstance(value, dict) or "document" not in value:
        return data, {}
    return _taken_apart(value)


def _taken_apart(members: dict[str, object]) -> tuple[bytes, dict[str, object]]:
    if "document" not in members:
        raise BadBody("Required keys are missing: document.")
    document = members.pop("document")
    unknown = sorted(members.keys() - {"identity"})
    if unknown:
        raise BadBody(
            f"Unknown keys in the body: {', '.join(map(shown, unknown))}. "
            "Known keys: document, identity."
        )
    owner = members.get("identity")
    if isinstance(owner, str):
        members["identity"] = json_or_text(owner) if len(owner) < 20 else owner
    return (document.encode() if isinstance(document, str) else encode(document)), members
