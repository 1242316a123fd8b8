"""Contacts and identities as people exchange them: files, QR code texts, and meta data.

The formats are those of the deployed clients, described in Qabel-Client-Local-Data. A ``.qco`` file
holds contacts, a ``.qid`` file an identity with its private key. A contact text is what a QR code
holds (error correction level L). The ``meta_data`` of a drop message introduce its sender.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from qabel.crypto import InvalidKey, PrivateKey, PublicKey
from qabel.drop.card_forms import (
    CardError,
    MetaDataForm,
    NestedKey,
    QcoContact,
    QidFile,
    convert,
    encode_form,
    parse_drop_urls,
    parse_json,
    parse_public_key,
    text_or_empty,
    unknown_members,
    with_unknown_members,
)
from qabel.drop.url import DropURL

__all__ = [
    "CONTACT_TEXT_MARK",
    "BadCard",
    "CardError",
    "ContactCard",
    "IdentityFile",
    "read_contact_text",
    "read_contacts",
    "read_identity",
    "read_meta_data",
    "write_contact_text",
    "write_contacts",
    "write_identity",
    "write_meta_data",
]

CONTACT_TEXT_MARK = "QABELCONTACT"
"""The first line of a contact text."""

_CONTACT_FILE = "a contact file"


@attrs.frozen
class ContactCard:
    """How somebody can be reached: name, key and drops. Unknown fields are empty.

    ``extra`` are the members of its object in a ``.qco`` file that are none of the others.
    """

    alias: str = attrs.field(repr=False)
    public_key: PublicKey
    drop_urls: tuple[DropURL, ...]
    email: str = attrs.field(default="", repr=False)
    phone: str = attrs.field(default="", repr=False)
    extra: Mapping[str, Any] = attrs.field(factory=dict, repr=False)


@attrs.frozen
class BadCard:
    """An entry of a ``.qco`` file that is not a contact, with its name if it has one."""

    alias: str = attrs.field(repr=False)
    reason: str


@attrs.frozen
class IdentityFile:
    """An identity with its private key, as it is moved between devices.

    ``extra`` are the members of its ``.qid`` file that are none of the others.
    """

    alias: str = attrs.field(repr=False)
    private_key: PrivateKey
    drop_urls: tuple[DropURL, ...]
    prefixes: tuple[str, ...] = attrs.field(default=(), repr=False)
    email: str = attrs.field(default="", repr=False)
    phone: str = attrs.field(default="", repr=False)
    extra: Mapping[str, Any] = attrs.field(factory=dict, repr=False)


def write_contacts(cards: Sequence[ContactCard]) -> bytes:
    """Return a ``.qco`` file with these contacts. Raises CardError."""
    contacts = [with_unknown_members(_contact_form(card), card.extra) for card in cards]
    return encode_form({"contacts": contacts})


def read_contacts(data: bytes) -> list[ContactCard | BadCard]:
    """Parse a ``.qco`` file: a list of contacts, or a single contact.

    Entries of the list that are no contacts do not prevent the others from being read. Raises
    CardError if the file as a whole is something else.
    """
    value = parse_json(data, _CONTACT_FILE)
    if not isinstance(value, dict) or "contacts" not in value:
        return [_contact_card(value, _CONTACT_FILE)]
    entries = value["contacts"]
    if not isinstance(entries, list):
        raise CardError(f"this is not {_CONTACT_FILE}: contacts is not a list")
    return [_contact_or_bad_card(entry) for entry in entries]


def write_identity(identity: IdentityFile) -> bytes:
    """Return a ``.qid`` file. It holds the private key and is secret. Raises CardError."""
    form = QidFile(
        alias=identity.alias,
        private_key=identity.private_key.hex,
        drop_urls=[str(url) for url in identity.drop_urls],
        prefixes=list(identity.prefixes),
        email=text_or_empty(identity.email),
        phone=text_or_empty(identity.phone),
        public_key=identity.private_key.public_key.hex,
    )
    return encode_form(with_unknown_members(form, identity.extra))


def read_identity(data: bytes) -> IdentityFile:
    """Parse a ``.qid`` file. Raises CardError, also if its two keys do not match."""
    what = "an identity file"
    value = parse_json(data, what)
    form = convert(value, QidFile, what)
    try:
        private_key = PrivateKey.from_hex(form.private_key)
    except InvalidKey:
        raise CardError("the private key must have 64 hexadecimal digits") from None
    if form.public_key is not None and parse_public_key(form.public_key) != private_key.public_key:
        raise CardError("the public key does not match the private key")
    return IdentityFile(
        alias=form.alias,
        private_key=private_key,
        drop_urls=parse_drop_urls(form.drop_urls),
        prefixes=tuple(form.prefixes or ()),
        email=text_or_empty(form.email),
        phone=text_or_empty(form.phone),
        extra=unknown_members(value, QidFile),
    )


def write_contact_text(card: ContactCard) -> str:
    """Return the four lines that a QR code holds.

    Raises CardError for a card without a drop URL, or with an alias that has a line break or an
    unpaired surrogate.
    """
    if not card.drop_urls:
        raise CardError("a contact text needs at least one drop URL")
    if not {"\n", "\r"}.isdisjoint(card.alias):
        raise CardError("the alias has a line break, which a contact text cannot hold")
    _check_encodable(card.alias)
    urls = ", ".join(map(str, card.drop_urls))
    return f"{CONTACT_TEXT_MARK}\n{card.alias}\n{urls}\n{card.public_key.hex}"


def read_contact_text(text: str) -> ContactCard:
    """Parse the four lines that a QR code holds. Raises CardError.

    What editors make of the text is read, too: a byte order mark, CRLF, and a final line end.
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").removesuffix("\n").split("\n")
    if len(lines) != 4 or lines[0] != CONTACT_TEXT_MARK or any("\r" in line for line in lines):
        raise CardError(
            "a contact text must have four lines, separated by line feeds,"
            f" the first of them {CONTACT_TEXT_MARK}"
        )
    _, alias, urls, key = lines
    _check_encodable(alias)
    return ContactCard(
        alias=alias,
        public_key=parse_public_key(key),
        drop_urls=parse_drop_urls(urls.split(", ")),
    )


def write_meta_data(card: ContactCard) -> bytes:
    """Return the meta data that introduce a message's sender, with the first drop URL only.

    Raises CardError for a card without a drop URL.
    """
    if not card.drop_urls:
        raise CardError("the meta data of a message need a drop URL")
    return encode_form(
        MetaDataForm(
            alias=card.alias,
            drop_url=str(card.drop_urls[0]),
            public_key=NestedKey(card.public_key.hex),
            phone=text_or_empty(card.phone),
            email=text_or_empty(card.email),
        )
    )


def read_meta_data(data: bytes) -> ContactCard:
    """Parse the meta data of a message. Raises CardError.

    The caller must check that the key is the one that sealed the message.
    """
    what = "the meta data of a message"
    form = convert(parse_json(data, what), MetaDataForm, what)
    return ContactCard(
        alias=form.alias,
        public_key=parse_public_key(form.public_key.public_key),
        drop_urls=parse_drop_urls([form.drop_url]),
        email=text_or_empty(form.email),
        phone=text_or_empty(form.phone),
    )


def _contact_form(card: ContactCard) -> QcoContact:
    return QcoContact(
        alias=card.alias,
        public_key=card.public_key.hex,
        drop_urls=[str(url) for url in card.drop_urls],
        email=text_or_empty(card.email),
        phone=text_or_empty(card.phone),
    )


def _contact_card(value: object, what: str) -> ContactCard:
    form = convert(value, QcoContact, what)
    return ContactCard(
        alias=form.alias,
        public_key=parse_public_key(form.public_key),
        drop_urls=parse_drop_urls(form.drop_urls),
        email=text_or_empty(form.email),
        phone=text_or_empty(form.phone),
        extra=unknown_members(value, QcoContact),
    )


def _contact_or_bad_card(value: object) -> ContactCard | BadCard:
    try:
        return _contact_card(value, "a contact")
    except CardError as error:
        alias = value.get("alias") if isinstance(value, dict) else None
        return BadCard(alias if isinstance(alias, str) else "", str(error))


def _check_encodable(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise CardError("the alias has an unpaired surrogate") from None
