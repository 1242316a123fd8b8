"""The forms of keys, drop URLs and the URLs of servers."""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import urlsplit

import attrs

from qabel.crypto import (
    InvalidKey,
    NotCanonical,
    PrivateKey,
    PublicKey,
)
from qabel.drop.pasted import clean_key, explain_key
from qabel.drop.pasted_url import clean_server_url, parse_drop_url
from qabel.drop.url import MAX_LENGTH, DropURL, InvalidDropURL, is_drop_id, parse_server_url
from qabel.forms.compound import Key, Object
from qabel.forms.errors import FieldError, InvalidInput, UnknownKey, invalid
from qabel.forms.form import Form, Schema
from qabel.forms.plain import Text
from qabel.settings.stored import UnusableKey, is_stored

_FIELD = 2**255 - 19
_LOW_ORDER = frozenset(
    {
        0,
        1,
        _FIELD - 1,
        int.from_bytes(
            bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
            "little",
        ),
        int.from_bytes(
            bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
            "little",
        ),
    }
)
"""Points whose product with any private key is zero, and so no secret (RFC 7748, section 7)."""

_NOT_CANONICAL = "is not a canonical key: it must be less than 2^255 - 19"
_KEY_SCHEMA: Schema = {"type": "string", "pattern": "^[0-9A-Fa-f]{64}$"}
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[!-~]+", re.ASCII)
_TEXT = Text()

K = TypeVar("K", PublicKey, PrivateKey)


@attrs.frozen
class PublicKeyForm(Form[PublicKey]):
    """A public key for which messages can be sealed; read in either case, written in lower case.

    One that is not canonical is read only from what is stored, where older versions may have put
    it.
    """

    def read(self, value: object) -> PublicKey:
        """Check a public key."""
        text = _TEXT.read(value)
        try:
            key = _read_key(PublicKey.from_hex, text)
        except NotCanonical:
            if is_stored():
                return UnusableKey.from_hex(text)
            raise invalid(_NOT_CANONICAL) from None
        if int.from_bytes(key.raw, "little") in _LOW_ORDER:
            raise invalid("is an insecure key (low order)")
        return key

    def write(self, value: PublicKey) -> str:
        """Return the 64 hex digits of the key."""
        return value.hex

    def schema(self) -> Schema:
        """Return the schema of keys."""
        return dict(_KEY_SCHEMA)


@attrs.frozen
class PrivateKeyForm(Form[PrivateKey]):
    """A private key; read in either case, written in lower case."""

    def read(self, value: object) -> PrivateKey:
        """Check a private key."""
        return _read_key(PrivateKey.from_hex, _TEXT.read(value))

    def write(self, value: PrivateKey) -> str:
        """Return the 64 hex digits of the key."""
        return value.hex

    def schema(self) -> Schema:
        """Return the schema of keys."""
        return dict(_KEY_SCHEMA)


def _read_key(parse: Callable[[str], K], text: str) -> K:
    """Return a key, with or without white space and the like around it. Raises InvalidInput."""
    try:
        return parse(text)
    except NotCanonical:
        raise
    except InvalidKey:
        cleaned = clean_key(text)
    try:
        return parse(cleaned)
    except NotCanonical:
        raise
    except InvalidKey:
        raise invalid(explain_key(text)) from None


PUBLIC_KEY = PublicKeyForm()

_KEY_PAIR = Object({"private_key": Key(PrivateKeyForm()), "public_key": Key(PUBLIC_KEY, None)})
_CONTACT_KEYS = Object({"public_key": Key(PUBLIC_KEY)})


@attrs.frozen
class KeyPairForm(Form[PrivateKey]):
    """The ``keys`` of an identity: a pair, of which the public key may be omitted."""

    def read(self, value: object) -> PrivateKey:
        """Check both keys, and that they belong together."""
        keys = _KEY_PAIR.read(value)
        private: PrivateKey = keys["private_key"]
        if keys["public_key"] not in (None, private.public_key):
            raise InvalidInput([FieldError("public_key", "does not match the private key")])
        return private

    def write(self, value: PrivateKey) -> dict[str, str]:
        """Return both keys."""
        return {"private_key": value.hex, "public_key": value.public_key.hex}

    def check_path(self, path: Sequence[str]) -> None:
        """Raise UnknownKey for any path but that of one of the keys."""
        _check_path(path, _KEY_PAIR)

    def schema(self) -> Schema:
        """Return the schema of such pairs."""
        return _KEY_PAIR.schema()


@attrs.frozen
class ContactKeysForm(Form[PublicKey]):
    """The ``keys`` of a contact: a public key only."""

    def read(self, value: object) -> PublicKey:
        """Check the key."""
        key: PublicKey = _CONTACT_KEYS.read(value)["public_key"]
        return key

    def write(self, value: PublicKey) -> dict[str, str]:
        """Return the key."""
        return {"public_key": value.hex}

    def check_path(self, path: Sequence[str]) -> None:
        """Raise UnknownKey for any path but that of the key."""
        _check_path(path, _CONTACT_KEYS)

    def schema(self) -> Schema:
        """Return the schema of an object with a public key."""
        return _CONTACT_KEYS.schema()


@attrs.frozen
class DropURLForm(Form[DropURL]):
    """A drop URL, of which only the normal form is kept."""

    def read(self, value: object) -> DropURL:
        """Check a drop URL."""
        text = _TEXT.read(value)
        try:
            return parse_drop_url(text)
        except InvalidDropURL as error:
            raise invalid(_after_key(error)) from None

    def write(self, value: DropURL) -> str:
        """Return the whole URL."""
        return str(value)

    def schema(self) -> Schema:
        """Return the schema of drop URLs."""
        return {"type": "string", "format": "uri", "pattern": "/[A-Za-z0-9_-]{43}$"}


@attrs.frozen
class DropServerURLForm(Text):
    """The URL of a drop server, without what tools put around it.

    A drop id after it is an error: it would be a secret.
    """

    longest: int = attrs.field(default=MAX_LENGTH, init=False)

    def read(self, value: object) -> str:
        """Check a drop server's URL."""
        text = clean_server_url(super().read(value))
        try:
            server = parse_server_url(text)
        except InvalidDropURL as error:
            raise invalid(_after_key(error)) from None
        if is_drop_id(server.rpartition("/")[2]):
            raise invalid("must be the drop server's URL, without a drop id")
        return text

    def schema(self) -> Schema:
        """Return the schema of such URLs."""
        return super().schema() | {"format": "uri"}


def _after_key(error: InvalidDropURL) -> str:
    """Return what is wrong so that it completes a sentence that begins with the key."""
    text = str(error)
    for subject in ("a drop server's URL must ", "a drop URL must "):
        if text.startswith(subject):
            return f"must {text.removeprefix(subject)}"
    return f"is not valid: {text}"


@attrs.frozen
class URLForm(Text):
    """Any URL with a host, unchanged."""

    longest: int = attrs.field(default=MAX_LENGTH, init=False)

    def read(self, value: object) -> str:
        """Check a URL."""
        text = super().read(value)
        if _URL.fullmatch(text) is None or not _has_host(text):
            raise invalid("must be a URL of the form https://host[:port]/path, in ASCII")
        return text

    def schema(self) -> Schema:
        """Return the schema of such URLs."""
        return super().schema() | {"format": "uri"}


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        # The port is parsed only when it is read, and may raise ValueError then.
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _check_path(path: Sequence[str], within: Object) -> None:
    if path and (len(path) > 1 or path[0] not in within.keys):
        raise UnknownKey("", "no such key")
