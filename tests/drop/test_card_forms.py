"""The JSON of cards: what is missing or malformed is named, and no value is quoted."""

import json
import traceback
from typing import Any

import pytest

from qabel.crypto import PublicKey
from qabel.drop.card_forms import (
    CardError,
    MetaDataForm,
    NestedKey,
    QcoContact,
    QcoFile,
    QidFile,
    convert,
    encode_form,
    parse_drop_urls,
    parse_json,
    parse_public_key,
    text_or_empty,
)

SECRET = "5ac99f33632e5a768de7e81bf854c27c46e3fbf2abbacd29ec4aff517369c660"
URL = "https://drop.example/" + "a" * 43

IDENTITY: dict[str, Any] = {"alias": "Alice", "private_key": SECRET, "drop_urls": [URL]}


def test_text_that_is_not_json() -> None:
    """The error names the kind of document, and says what is wrong with the JSON."""
    assert parse_json(b'{"a":[1]}', "a card") == {"a": [1]}
    with pytest.raises(CardError, match="this is not a card: unexpected end"):
        parse_json(b"{", "a card")


@pytest.mark.parametrize("key", list(IDENTITY))
def test_a_missing_key_is_named(key: str) -> None:
    """The error says which key is missing."""
    value = {name: each for name, each in IDENTITY.items() if name != key}
    with pytest.raises(CardError, match=f"^this is not a card: {key} is missing$"):
        convert(value, QidFile, "a card")


@pytest.mark.parametrize(
    "value",
    [
        [SECRET],
        SECRET,
        {**IDENTITY, "alias": [SECRET]},
        {**IDENTITY, "drop_urls": {SECRET: 1}},
        {**IDENTITY, "prefixes": [5, SECRET]},
    ],
)
def test_a_wrong_type_is_not_quoted(value: object) -> None:
    """The error for a value of the wrong type shows no value, not even in its traceback."""
    with pytest.raises(CardError, match="a key has the wrong type") as caught:
        convert(value, QidFile, "a card")
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_what_may_be_left_out() -> None:
    """Email, phone, prefixes and public key of an identity have defaults, and may be null."""
    assert convert(IDENTITY, QidFile, "a card") == QidFile("Alice", SECRET, [URL])
    optional = ("prefixes", "email", "phone", "public_key")
    form = convert({**IDENTITY, **dict.fromkeys(optional)}, QidFile, "a card")
    assert [getattr(form, name) for name in optional] == [None] * 4


def test_empty_fields_of_contacts_are_omitted() -> None:
    """Contact files have email and phone only if they are known; the other forms always do."""
    contact = QcoContact("Alice", "key", [URL])
    assert json.loads(encode_form(QcoFile([contact]))) == {
        "contacts": [{"alias": "Alice", "public_key": "key", "drop_urls": [URL]}]
    }
    meta = json.loads(encode_form(MetaDataForm("Alice", URL, NestedKey("key"))))
    assert (meta["email"], meta["phone"]) == ("", "")


def test_text_that_cannot_be_encoded() -> None:
    """A form with an unpaired surrogate is not written."""
    with pytest.raises(CardError, match="cannot be encoded"):
        encode_form(QcoContact("\ud800", "key", []))


@pytest.mark.parametrize("text", ["", "00", SECRET[:-1], SECRET + "0", "g" * 64])
def test_a_malformed_public_key(text: str) -> None:
    """A public key has 64 hex digits, in either case."""
    assert parse_public_key(SECRET.upper()) == PublicKey(bytes.fromhex(SECRET))
    with pytest.raises(CardError, match="64 hexadecimal digits"):
        parse_public_key(text)


def test_a_malformed_drop_url_is_found_by_its_number() -> None:
    """The error says which drop URL is malformed, and does not quote it."""
    assert [str(url) for url in parse_drop_urls([URL, URL])] == [URL, URL]
    assert parse_drop_urls([]) == ()
    with pytest.raises(CardError, match=r"^drop URL 2 of 3: ") as caught:
        parse_drop_urls([URL, URL + "a", URL])
    assert "aaaa" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "expected"), [(None, ""), ("", ""), (" \t\n", ""), (" a ", " a "), ("0", "0")]
)
def test_blank_text_means_absent(value: str | None, expected: str) -> None:
    """Null and blank text are read as empty, and other text is not changed."""
    assert text_or_empty(value) == expected


def test_forms_show_no_values() -> None:
    """The repr of a form shows none of its values."""
    form = convert(IDENTITY, QidFile, "a card")
    assert repr(form) == "QidFile()"
    assert repr([NestedKey(SECRET)]) == "[NestedKey()]"
