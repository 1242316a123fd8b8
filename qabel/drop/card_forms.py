"""The JSON objects behind contact files, identity files and meta data (Qabel-Client-Local-Data).

Error messages never quote a value, which may be a private key or a drop URL.
"""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from qabel.crypto import InvalidKey, NotCanonical, PrivateKey, PublicKey
from qabel.drop.card_json import check_member, has_line_break
from qabel.drop.pasted import KEY_DIGITS, clean_key, explain_key
from qabel.drop.pasted_url import parse_drop_url
from qabel.drop.url import DropURL, InvalidDropURL
from qabel.jsontext import InvalidJSON, as_utf8, encode, parse

SECRET_KEYS = frozenset({"private_key", "prefixes"})
"""Keys of an identity file that never are part of a contact, even if one is made from the file."""

_UNBROKEN = frozenset({"public_key", "private_key", "drop_urls"})
_IMAGE = "an image: scan the QR code in it, and import the text of that"
_OTHER_FILES = {
    b"\x89PNG": _IMAGE,
    b"\xff\xd8\xff": _IMAGE,
    b"GIF8": _IMAGE,
    b"<svg": _IMAGE,
    b"<?xml": "an XML file",
    b"%PDF": "a PDF file",
    b"PK\x03\x04": "an archive or office file",
    b"SQLite format 3": "a database",
    b"BEGIN:VCARD": "a vCard, which has no public key: ask for the contact file (.qco)",
}

_MISSING_KEY = re.compile(r"Object missing required field `(?P<key>[a-z_]+)`.*")


class CardError(ValueError):
    """The file or text cannot be read, or the card cannot be written in this form."""


class InvalidCardJSON(CardError):
    """The file or text is not JSON."""


class _Form(msgspec.Struct):
    """A JSON object whose repr shows none of its values."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class QcoContact(_Form, omit_defaults=True):
    """A contact in a .qco file."""

    alias: str
    public_key: str
    drop_urls: list[str]
    email: str | None = ""
    phone: str | None = ""


class QcoFile(_Form):
    """A .qco file."""

    contacts: list[QcoContact]


class QidFile(_Form):
    """A .qid file, which holds a private key."""

    alias: str
    private_key: str
    drop_urls: list[str]
    prefixes: list[str] | None = msgspec.field(default_factory=list)
    email: str | None = ""
    phone: str | None = ""
    public_key: str | None = None


class NestedKey(_Form):
    """The object in which meta data wrap a public key."""

    public_key: str


class MetaDataForm(_Form):
    """The ``meta_data`` of a drop message."""

    alias: str
    drop_url: str
    public_key: NestedKey
    phone: str | None = ""
    email: str | None = ""


F = TypeVar("F", bound=_Form)


def parse_json(data: bytes, what: str) -> object:
    """Parse JSON of any form; ``what`` names the document in the message of InvalidCardJSON."""
    try:
        # A line end after a file that was cut off within a string would be taken for the error.
        return parse(as_utf8(data).rstrip())
    except InvalidJSON as error:
        raise InvalidCardJSON(f"this is not {what}: {error}") from None


def check_found(value: object, what: str) -> None:
    """Raise CardError for an object from a text that is not strict JSON, or was wrapped.

    A line break within a key or drop URL says nothing, but elsewhere a space may have been there.
    """
    try:
        check_member(value)
    except InvalidJSON as error:
        raise CardError(f"this is not {what}: {error}") from None
    members = value.items() if isinstance(value, dict) else ()
    for name, each in members:
        if name not in _UNBROKEN and has_line_break(each):
            raise CardError(f"{_shown(name)} is broken over several lines; put it on one")


def _shown(name: str) -> str:
    return name if name in QidFile.__struct_fields__ else "another member"


def explain_file(data: bytes) -> str:
    """Return what a file is instead of a card, as far as it can be told; "" if it cannot."""
    for begin, what in _OTHER_FILES.items():
        if data.startswith(begin):
            return f"this is {what}"
    return "there is nothing in it" if not data.strip() else ""


def convert(value: object, form: type[F], what: str) -> F:
    """Convert parsed JSON to a form; ``what`` names the document in the message of CardError."""
    try:
        return msgspec.convert(value, form)
    except msgspec.ValidationError as error:
        # Of msgspec's own words only the name of a key is shown: the rest may quote the file.
        missing = _MISSING_KEY.fullmatch(str(error))
        problem = "a key has the wrong type" if missing is None else f"{missing['key']} is missing"
        raise CardError(f"this is not {what}: {problem}") from None


def unknown_members(value: object, form: type[_Form]) -> dict[str, Any]:
    """Return the members of an object that the form does not have."""
    if not isinstance(value, dict):
        return {}
    known = form.__struct_fields__
    hidden = SECRET_KEYS if form is QcoContact else ()
    return {name: each for name, each in value.items() if name not in known and name not in hidden}


def with_unknown_members(form: _Form, extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return a form as an object that has unknown members, too; they replace none of its own."""
    return {**msgspec.to_builtins(form), **unknown_members(extra, type(form))}


def encode_form(form: _Form | Mapping[str, Any]) -> bytes:
    """Encode a form, or one as an object, as JSON.

    Raises CardError for text with an unpaired surrogate.
    """
    try:
        return encode(form)
    except InvalidJSON as error:
        raise CardError(f"the card cannot be encoded: {error}") from None


def parse_public_key(text: str) -> PublicKey:
    """Parse a public key from 64 hex digits in either case.

    White space, invisible characters, quotes and the like are passed over. Raises CardError.
    """
    try:
        return PublicKey.from_hex(text)
    except NotCanonical as error:
        raise CardError(str(error)) from None
    except InvalidKey:
        cleaned = clean_key(text)
    if cleaned != text:
        return parse_public_key(cleaned)
    raise CardError(f"a public key {explain_key(text)}")


def exact_public_key(text: str) -> PublicKey:
    """Parse a public key of nothing but 64 hex digits. Raises CardError."""
    if len(text) != KEY_DIGITS:
        raise CardError(f"a public key {explain_key(text)}")
    return parse_public_key(text)


def exact_drop_url(text: str) -> DropURL:
    """Parse a drop URL with nothing around it. Raises CardError."""
    try:
        return DropURL.parse(text)
    except InvalidDropURL as error:
        raise CardError(f"the drop URL: {error}") from None


def parse_private_key(text: str) -> PrivateKey:
    """Parse a private key as ``parse_public_key`` parses a public one. Raises CardError."""
    try:
        return PrivateKey.from_hex(clean_key(text))
    except InvalidKey:
        raise CardError(f"the private key {explain_key(text)}") from None


def parse_drop_urls(texts: list[str]) -> tuple[DropURL, ...]:
    """Parse drop URLs, with or without white space, brackets and the like around them.

    Raises CardError, which says by its number which of them is wrong.
    """
    urls = []
    for number, text in enumerate(texts, start=1):
        try:
            urls.append(parse_drop_url(text))
        except InvalidDropURL as error:
            raise CardError(f"drop URL {number} of {len(texts)}: {error}") from None
    return tuple(urls)


def text_or_empty(value: str | None) -> str:
    """Return the text, or "" for null and blank text, which mean "absent" to deployed clients."""
    return "" if value is None or value.isspace() else value
