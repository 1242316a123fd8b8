"""Contacts and identities as people exchange them: files, QR code texts, and meta data.

The formats are those of the deployed clients, described in Qabel-Client-Local-Data. A ``.qco`` file
holds contacts, a ``.qid`` file an identity with its private key. A contact text is what a QR code
holds (error correction level L). The ``meta_data`` of a drop message introduce its sender.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from qabel.drop.card_forms import (
    CardError,
    InvalidCardJSON,
    MetaDataForm,
    NestedKey,
    QcoContact,
    QidFile,
    check_found,
    convert,
    encode_form,
    exact_drop_url,
    exact_public_key,
    explain_file,
    parse_drop_urls,
    parse_json,
    parse_private_key,
    parse_public_key,
    text_or_empty,
    unknown_members,
    with_unknown_members,
)
from qabel.drop.card_json import RepeatedKeys, find_objects, has_line_break
from qabel.drop.card_values import BadCard, ContactCard, IdentityFile
from qabel.drop.contact_text import (
    CONTACT_TEXT_MARK,
    find_contact_texts,
    read_contact_text,
    write_contact_text,
)
from qabel.drop.mail_text import mail_text
from qabel.json_errors import position
from qabel.jsontext import InvalidJSON, as_utf8

__all__ = [
    "CONTACT_TEXT_MARK",
    "BadCard",
    "CardError",
    "ContactCard",
    "IdentityFile",
    "find_contact_texts",
    "read_cards",
    "read_contact_text",
    "read_contacts",
    "read_identity",
    "read_meta_data",
    "write_contact_text",
    "write_contacts",
    "write_identity",
    "write_meta_data",
]

MAX_IDENTITY = 64 * 1024
"""Bytes of a text in which an identity is looked for; a file alone may be longer."""

_IS_CONTACT = "this is a contact, not an identity, which has a private key: import it as a contact"
_CONTACT_KEYS = {"contacts", "public_key"}
_CONTACT_FILE = "a contact file"


def write_contacts(cards: Sequence[ContactCard]) -> bytes:
    """Return a ``.qco`` file with these contacts. Raises CardError."""
    contacts = [with_unknown_members(_contact_form(card), card.extra) for card in cards]
    return encode_form({"contacts": contacts})


def read_cards(data: bytes) -> list[ContactCard | BadCard]:
    """Return the contacts in what somebody passed on.

    That is a ``.qco`` file or a contact text, or one or more of them in a mail or another text.
    Entries that are no contacts do not prevent the others from being read. Raises CardError if
    there is no contact, or only one, which cannot be read.
    """
    data = mail_text(as_utf8(data))
    if data.lstrip().startswith(b"{") and CONTACT_TEXT_MARK.encode() not in data:
        return read_contacts(data)
    text = _decode(data)
    with suppress(CardError):
        return [read_contact_text(text)]
    try:
        return find_contact_texts(text)
    except CardError as error:
        failure = error
    if "{" not in text and "%7B" not in text:
        raise CardError(explain_file(data) or str(failure))
    try:
        return read_contacts(data)
    except CardError as error:
        raise (failure if CONTACT_TEXT_MARK in text else error) from None


def read_contacts(data: bytes) -> list[ContactCard | BadCard]:
    """Parse a ``.qco`` file: a list of contacts, or a single contact.

    Entries of the list that are no contacts do not prevent the others from being read. Raises
    CardError if the file as a whole is something else.
    """
    try:
        return _contacts_in(parse_json(data, _CONTACT_FILE))
    except InvalidCardJSON as error:
        failure = error
    objects = _find_objects(as_utf8(data), _CONTACT_FILE)
    cards = [card for each in objects for card in _contacts_in(each, is_found=True)]
    if not any(isinstance(card, ContactCard) for card in cards) and len(cards) < 2:
        reason = cards[0].reason if cards and isinstance(cards[0], BadCard) else ""
        raise CardError(reason if has_line_break(objects) else str(failure))
    return cards


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
    data = as_utf8(data)
    value = _identity_in(mail_text(data) if len(data) <= MAX_IDENTITY else data, what)
    if isinstance(value, dict) and "private_key" not in value and _CONTACT_KEYS & value.keys():
        raise CardError(_IS_CONTACT)
    form = convert(value, QidFile, what)
    private_key = parse_private_key(form.private_key)
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
        public_key=exact_public_key(form.public_key.public_key),
        drop_urls=(exact_drop_url(form.drop_url),),
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


def _contacts_in(value: object, *, is_found: bool = False) -> list[ContactCard | BadCard]:
    """Return the contacts of a file; ``is_found`` says that it was looked for in a text."""
    if not isinstance(value, dict) or "contacts" not in value:
        return [_contact_or_bad_card(value, _CONTACT_FILE, is_found=is_found)]
    entries = value["contacts"]
    if not isinstance(entries, list):
        raise CardError(f"this is not {_CONTACT_FILE}: contacts is not a list")
    if isinstance(value, RepeatedKeys):
        raise CardError(f"this is not {_CONTACT_FILE}: an object has a duplicate key")
    return [_contact_or_bad_card(entry, "a contact", is_found=is_found) for entry in entries]


def _contact_or_bad_card(value: object, what: str, *, is_found: bool) -> ContactCard | BadCard:
    try:
        if is_found:
            check_found(value, what)
        return _contact_card(value, what)
    except CardError as error:
        if what == _CONTACT_FILE and not is_found:
            raise
        alias = value.get("alias") if isinstance(value, dict) else None
        text = alias if isinstance(alias, str) else ""
        return BadCard(text.encode(errors="replace").decode(), str(error))


def _identity_in(data: bytes, what: str) -> object:
    """Return the object of an identity file. Raises CardError."""
    try:
        return parse_json(data, what)
    except InvalidCardJSON as error:
        failure = error
    found = _find_objects(data, what) if len(data) <= MAX_IDENTITY else []
    if not found:
        raise CardError(
            _IS_CONTACT
            if CONTACT_TEXT_MARK.encode() in data
            else explain_file(data) or str(failure)
        )
    if len(found) > 1:
        raise CardError(f"there are {len(found)} identities in it: import them one by one")
    if isinstance(found[0], RepeatedKeys):
        raise failure
    check_found(found[0], what)
    return found[0]


def _find_objects(data: bytes, what: str) -> list[dict[str, Any]]:
    try:
        return find_objects(data)
    except InvalidJSON as error:
        raise CardError(f"this is not {what}: {error}") from None


def _decode(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        reason = explain_file(data) or (
            f"the text is not UTF-8{position(data, error.start)}: save it as UTF-8"
        )
        raise CardError(reason) from None
