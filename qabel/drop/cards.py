"""What people hand each other: contact files, identity files, the text of a QR code, cards.

The formats are those of the deployed clients, described in Qabel-Client-Local-Data: ``.qco`` holds
contacts, ``.qid`` an identity with its private key. A contact text is what a QR code holds (error
correction L). The ``meta_data`` of a drop message introduces its sender.
"""

from typing import TypeVar

import attrs
import msgspec

from qabel.crypto import InvalidKey, PrivateKey, PublicKey
from qabel.drop.url import DropURL, InvalidDropURL
from qabel.jsontext import InvalidJSON, encode, parse

CONTACT_TEXT_MARK = "QABELCONTACT"
"""The first line of a contact text."""


class CardError(ValueError):
    """A file or text that cannot be read, or a card that cannot be written in this form."""


@attrs.frozen
class ContactCard:
    """How somebody can be reached: name, key and drops. What is not known is empty."""

    alias: str = attrs.field(repr=False)
    public_key: PublicKey
    drop_urls: tuple[DropURL, ...]
    email: str = attrs.field(default="", repr=False)
    phone: str = attrs.field(default="", repr=False)


@attrs.frozen
class IdentityFile:
    """An identity, as it is moved between devices, with its private key."""

    alias: str = attrs.field(repr=False)
    private_key: PrivateKey
    drop_urls: tuple[DropURL, ...]
    prefixes: tuple[str, ...] = attrs.field(default=(), repr=False)
    email: str = attrs.field(default="", repr=False)
    phone: str = attrs.field(default="", repr=False)


class _Form(msgspec.Struct):
    """The outer form of a file, which shows nothing of it."""

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


class _NestedKey(_Form):
    public_key: str


class _MetaData(_Form):
    alias: str
    drop_url: str
    public_key: _NestedKey
    phone: str | None = ""
    email: str | None = ""


_Kind = TypeVar("_Kind")


def write_contacts(cards: list[ContactCard]) -> bytes:
    """Write a ``.qco`` file. Raises CardError."""
    return _encode(QcoFile([_contact_form(card) for card in cards]))


def read_contacts(data: bytes) -> list[ContactCard]:
    """Read a ``.qco`` file: its contacts, or the one that it is. Raises CardError."""
    what = "a contact file"
    value = _parse(data, what)
    if not isinstance(value, dict) or "contacts" not in value:
        return [_contact_card(_convert(value, QcoContact, what))]
    cards = []
    forms = _convert(value, QcoFile, what).contacts
    for place, form in enumerate(forms, start=1):
        try:
            cards.append(_contact_card(form))
        except CardError as error:
            raise CardError(f"contact {place} of {len(forms)}: {error}") from None
    return cards


def write_identity(identity: IdentityFile) -> bytes:
    """Write a ``.qid`` file, which holds the private key: it is a secret. Raises CardError."""
    return _encode(
        QidFile(
            alias=identity.alias,
            private_key=identity.private_key.hex,
            drop_urls=[str(url) for url in identity.drop_urls],
            prefixes=list(identity.prefixes),
            email=_text(identity.email),
            phone=_text(identity.phone),
            public_key=identity.private_key.public_key.hex,
        )
    )


def read_identity(data: bytes) -> IdentityFile:
    """Read a ``.qid`` file. Raises CardError, also for keys that do not belong together."""
    what = "an identity file"
    form = _convert(_parse(data, what), QidFile, what)
    try:
        private_key = PrivateKey.from_hex(form.private_key)
    except InvalidKey:
        raise CardError("the private key must be 64 hexadecimal digits") from None
    if form.public_key is not None and _public_key(form.public_key) != private_key.public_key:
        raise CardError("the public key does not belong to the private key")
    return IdentityFile(
        alias=form.alias,
        private_key=private_key,
        drop_urls=_drop_urls(form.drop_urls),
        prefixes=tuple(form.prefixes or ()),
        email=_text(form.email),
        phone=_text(form.phone),
    )


def write_contact_text(card: ContactCard) -> str:
    """Write the four lines that a QR code holds.

    Raises CardError for a card without a drop URL, or an alias with a line break or half of a
    surrogate pair.
    """
    if not card.drop_urls:
        raise CardError("a contact without a drop URL cannot be written as a contact text")
    if not {"\n", "\r"}.isdisjoint(card.alias):
        raise CardError("an alias with a line break cannot be written as a contact text")
    urls = ", ".join(map(str, card.drop_urls))
    return f"{CONTACT_TEXT_MARK}\n{_whole(card.alias)}\n{urls}\n{card.public_key.hex}"


def read_contact_text(text: str) -> ContactCard:
    """Read the four lines that a QR code holds. Raises CardError."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[0] != CONTACT_TEXT_MARK or "\r" in text:
        raise CardError(
            f"a contact text has exactly four lines, joined by LF, the first {CONTACT_TEXT_MARK}"
        )
    _, alias, urls, key = lines
    return ContactCard(
        alias=_whole(alias), public_key=_public_key(key), drop_urls=_drop_urls(urls.split(", "))
    )


def write_meta_data(card: ContactCard) -> bytes:
    """Write the card that introduces a message's sender; it has room for the first drop URL only.

    Raises CardError for a card without a drop URL.
    """
    if not card.drop_urls:
        raise CardError("a contact without a drop URL cannot be written as meta data")
    return _encode(
        _MetaData(
            alias=card.alias,
            drop_url=str(card.drop_urls[0]),
            public_key=_NestedKey(card.public_key.hex),
            phone=_text(card.phone),
            email=_text(card.email),
        )
    )


def read_meta_data(data: bytes) -> ContactCard:
    """Read the card in a message. Raises CardError.

    Whether its key is the one that sealed the message is for the caller to see.
    """
    what = "the meta data of a message"
    form = _convert(_parse(data, what), _MetaData, what)
    return ContactCard(
        alias=form.alias,
        public_key=_public_key(form.public_key.public_key),
        drop_urls=_drop_urls([form.drop_url]),
        email=_text(form.email),
        phone=_text(form.phone),
    )


def _contact_form(card: ContactCard) -> QcoContact:
    return QcoContact(
        alias=card.alias,
        public_key=card.public_key.hex,
        drop_urls=[str(url) for url in card.drop_urls],
        email=_text(card.email),
        phone=_text(card.phone),
    )


def _contact_card(form: QcoContact) -> ContactCard:
    return ContactCard(
        alias=form.alias,
        public_key=_public_key(form.public_key),
        drop_urls=_drop_urls(form.drop_urls),
        email=_text(form.email),
        phone=_text(form.phone),
    )


def _text(value: str | None) -> str:
    """Give a text of which the deployed clients say that blank means absent."""
    return "" if value is None or value.isspace() else value


def _public_key(text: str) -> PublicKey:
    try:
        return PublicKey.from_hex(text)
    except InvalidKey:
        raise CardError("a public key must be 64 hexadecimal digits") from None


def _drop_urls(texts: list[str]) -> tuple[DropURL, ...]:
    urls = []
    for place, text in enumerate(texts, start=1):
        try:
            urls.append(DropURL.parse(text))
        except InvalidDropURL as error:
            raise CardError(f"drop URL {place} of {len(texts)}: {error}") from None
    return tuple(urls)


def _whole(text: str) -> str:
    """Give a text back that can be written."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise CardError("a text has half a surrogate pair, and cannot be written") from None
    return text


def _parse(data: bytes, what: str) -> object:
    try:
        return parse(data)
    except InvalidJSON as error:
        raise CardError(f"this is not {what}: {error}") from None


def _convert(value: object, form: type[_Kind], what: str) -> _Kind:
    try:
        return msgspec.convert(value, form)
    except msgspec.ValidationError:
        # The library's own words may quote the file, which can hold a private key.
        raise CardError(
            f"this is not {what}: a key that it needs is missing, or of the wrong type"
        ) from None


def _encode(form: msgspec.Struct) -> bytes:
    try:
        return encode(form)
    except InvalidJSON as error:
        raise CardError(f"it cannot be written: {error}") from None
