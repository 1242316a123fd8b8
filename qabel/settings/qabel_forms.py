"""The forms of what only Qabel has: keys, drop URLs and the URLs of servers."""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from qabel.crypto import InvalidKey, PrivateKey, PublicKey
from qabel.drop.url import MAX_LENGTH, DropURL, InvalidDropURL, is_drop_id, parse_server_url
from qabel.forms.compound import Key, Object
from qabel.forms.errors import Errors, UnknownKey, invalid
from qabel.forms.form import Form, Schema
from qabel.forms.plain import Text

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
"""The points with which every private key has the same product, nothing (RFC 7748, section 7)."""

_KEY_SCHEMA: Schema = {"type": "string", "pattern": "^[0-9A-Fa-f]{64}$"}
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[!-~]+", re.ASCII)
_TEXT = Text()


class PublicKeyForm(Form[PublicKey]):
    """KEY of somebody to whom messages can be sealed: read in either case, written lower."""

    def read(self, value: object) -> PublicKey:
        """Check a public key."""
        try:
            key = PublicKey.from_hex(_TEXT.read(value))
        except InvalidKey as error:
            raise invalid(str(error)) from None
        number = int.from_bytes(key.raw, "little")
        if number % 2**255 % _FIELD in _LOW_ORDER:
            raise invalid("is a key of low order, with which nothing can be kept secret")
        return key

    def write(self, value: PublicKey) -> str:
        """Give its 64 hex digits."""
        return value.hex

    def schema(self) -> Schema:
        """Describe it."""
        return dict(_KEY_SCHEMA)


class PrivateKeyForm(Form[PrivateKey]):
    """KEY that is one's own secret."""

    def read(self, value: object) -> PrivateKey:
        """Check a private key."""
        try:
            return PrivateKey.from_hex(_TEXT.read(value))
        except InvalidKey as error:
            raise invalid(str(error)) from None

    def write(self, value: PrivateKey) -> str:
        """Return its 64 hex digits."""
        return value.hex

    def schema(self) -> Schema:
        """Describe it."""
        return dict(_KEY_SCHEMA)


PUBLIC_KEY = PublicKeyForm()


class KeyPairForm(Form[PrivateKey]):
    """The ``keys`` of an identity, which must belong together; the public one may be left out."""

    _object = Object({"private_key": Key(PrivateKeyForm()), "public_key": Key(PUBLIC_KEY, None)})

    def read(self, value: object) -> PrivateKey:
        """Check both keys."""
        keys = self._object.read(value)
        private: PrivateKey = keys["private_key"]
        if keys["public_key"] not in (None, private.public_key):
            errors = Errors()
            errors.add("public_key", "does not belong to the private key")
            raise errors.as_exception()
        return private

    def write(self, value: PrivateKey) -> dict[str, str]:
        """Return both keys."""
        return {"private_key": value.hex, "public_key": value.public_key.hex}

    def check_path(self, path: Sequence[str]) -> None:
        """Raise UnknownKey for another key."""
        _find(path, self._object)

    def schema(self) -> Schema:
        """Describe it."""
        return self._object.schema()


class ContactKeysForm(Form[PublicKey]):
    """The ``keys`` of a contact: only a public one."""

    _object = Object({"public_key": Key(PUBLIC_KEY)})

    def read(self, value: object) -> PublicKey:
        """Check the key."""
        key: PublicKey = self._object.read(value)["public_key"]
        return key

    def write(self, value: PublicKey) -> dict[str, str]:
        """Return the key."""
        return {"public_key": value.hex}

    def check_path(self, path: Sequence[str]) -> None:
        """Raise UnknownKey for another key."""
        _find(path, self._object)

    def schema(self) -> Schema:
        """Describe it."""
        return self._object.schema()


class DropURLForm(Form[DropURL]):
    """A drop URL, kept in its normal form."""

    def read(self, value: object) -> DropURL:
        """Check a drop URL."""
        try:
            return DropURL.parse(_TEXT.read(value))
        except InvalidDropURL as error:
            raise invalid(str(error)) from None

    def write(self, value: DropURL) -> str:
        """Give the whole URL."""
        return str(value)

    def schema(self) -> Schema:
        """Describe it."""
        return {"type": "string", "format": "uri", "pattern": "/[A-Za-z0-9_-]{43}$"}


class DropServerURLForm(Text):
    """A drop server's URL, kept as it was written; without the drop id, which is a secret."""

    def __init__(self) -> None:
        super().__init__(MAX_LENGTH)

    def read(self, value: object) -> str:
        """Check a drop server's URL."""
        text = super().read(value)
        try:
            server = parse_server_url(text)
        except InvalidDropURL as error:
            raise invalid(str(error)) from None
        if is_drop_id(server.rpartition("/")[2]):
            raise invalid("must be the drop server's URL, without a drop id")
        return text

    def schema(self) -> Schema:
        """Describe it."""
        return super().schema() | {"format": "uri"}


class URLForm(Text):
    """Any URL with a host, kept as it was written."""

    def __init__(self) -> None:
        super().__init__(MAX_LENGTH)

    def read(self, value: object) -> str:
        """Check a URL."""
        text = super().read(value)
        if _URL.fullmatch(text) is None or not _has_host(text):
            raise invalid("must be a URL like https://host[:port]/path, in ASCII")
        return text

    def schema(self) -> Schema:
        """Describe it."""
        return super().schema() | {"format": "uri"}


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        # The port is checked when it is asked for.
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _find(path: Sequence[str], within: Object) -> None:
    if path and (len(path) > 1 or path[0] not in within.keys):
        raise UnknownKey("", "there is no such key")
