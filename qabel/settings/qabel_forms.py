"""The forms of what only Qabel has: keys, drop URLs and the URLs of servers."""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from qabel.crypto import InvalidKey, PrivateKey, PublicKey
from qabel.drop.url import MAX_LENGTH, DropURL, InvalidDropURL, is_drop_id, parse_server_url
from qabel.forms.errors import Faults, UnknownKey, wrong
from qabel.forms.forms import Form, Schema, Text, read_object

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
            raise wrong(str(error)) from None
        number = int.from_bytes(key.raw, "little")
        if number % 2**255 % _FIELD in _LOW_ORDER:
            raise wrong("is a key of low order, with which nothing can be kept secret")
        return key

    def write(self, value: PublicKey) -> str:
        """Give its 64 hex digits."""
        return value.hex

    def schema(self) -> Schema:
        """Describe it."""
        return dict(_KEY_SCHEMA)


class KeyPairForm(Form[PrivateKey]):
    """The ``keys`` of an identity, which must belong together; the public one may be left out."""

    def read(self, value: object) -> PrivateKey:
        """Check both keys."""
        keys = read_object(value, ["private_key"], ["public_key"])
        faults = Faults()
        private = faults.catch("private_key", _private_key, keys["private_key"], None)
        public = None
        if "public_key" in keys:
            public = faults.catch("public_key", PUBLIC_KEY.read, keys["public_key"], None)
        if private is not None and public not in (None, private.public_key):
            faults.add("public_key", "does not belong to the private key")
        if private is None or faults:
            raise faults.error()
        return private

    def write(self, value: PrivateKey) -> dict[str, str]:
        """Give both keys."""
        return {"private_key": value.hex, "public_key": value.public_key.hex}

    def find(self, path: Sequence[str]) -> None:
        """Raise UnknownKey for another key."""
        _find(path, "private_key", "public_key")

    def schema(self) -> Schema:
        """Describe it."""
        keys = {"private_key": dict(_KEY_SCHEMA), "public_key": dict(_KEY_SCHEMA)}
        return _object(keys, ["private_key"])


class ContactKeysForm(Form[PublicKey]):
    """The ``keys`` of a contact: only a public one."""

    def read(self, value: object) -> PublicKey:
        """Check the key."""
        faults = Faults()
        keys = read_object(value, ["public_key"])
        key = faults.catch("public_key", PUBLIC_KEY.read, keys["public_key"], None)
        if key is None:
            raise faults.error()
        return key

    def write(self, value: PublicKey) -> dict[str, str]:
        """Give the key."""
        return {"public_key": value.hex}

    def find(self, path: Sequence[str]) -> None:
        """Raise UnknownKey for another key."""
        _find(path, "public_key")

    def schema(self) -> Schema:
        """Describe it."""
        return _object({"public_key": dict(_KEY_SCHEMA)}, ["public_key"])


class DropURLForm(Form[DropURL]):
    """A drop URL, kept in its normal form."""

    def read(self, value: object) -> DropURL:
        """Check a drop URL."""
        try:
            return DropURL.parse(_TEXT.read(value))
        except InvalidDropURL as error:
            raise wrong(str(error)) from None

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
            raise wrong(str(error)) from None
        if is_drop_id(server.rpartition("/")[2]):
            raise wrong("must be the drop server's URL, without a drop id")
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
            raise wrong("must be a URL like https://host[:port]/path, in ASCII")
        return text

    def schema(self) -> Schema:
        """Describe it."""
        return super().schema() | {"format": "uri"}


def _private_key(value: object) -> PrivateKey:
    try:
        return PrivateKey.from_hex(_TEXT.read(value))
    except InvalidKey as error:
        raise wrong(str(error)) from None


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        # The port is checked when it is asked for.
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _find(path: Sequence[str], *names: str) -> None:
    if path and (len(path) > 1 or path[0] not in names):
        raise UnknownKey("", "a key of this name does not exist here")


def _object(properties: dict[str, Schema], required: list[str]) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


PUBLIC_KEY = PublicKeyForm()
