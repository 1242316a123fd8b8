"""The forms of keys, drop URLs and the URLs of servers."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from qabel.crypto import PrivateKey, PublicKey
from qabel.drop.url import DropURL
from qabel.forms.errors import ErrorKind, Errors, FieldError, UnknownKey
from qabel.forms.form import Form
from qabel.settings.qabel_forms import (
    ContactKeysForm,
    DropServerURLForm,
    DropURLForm,
    KeyPairForm,
    PrivateKeyForm,
    PublicKeyForm,
    URLForm,
)
from qabel.settings.stored import UnusableKey, reading_stored
from tests.settings.checks import errors_of

DROP_ID = "1234567890123456789012345678901234567891234"
KEY = "565689ffdf3c5be17b44ab2a5519e28a919b520c2fb9fde9414b46dcdbc99c3b"
PRIVATE = PrivateKey(b"\1" * 32)
LOW_ORDER = [
    "00" * 32,
    "01" + "00" * 31,
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ec" + "ff" * 30 + "7f",
]
NOT_CANONICAL = [
    "00" * 31 + "80",
    KEY[:-2] + "bb",
    "ed" + "ff" * 30 + "7f",
    "f6" + "ff" * 30 + "7f",
    "EE" + "FF" * 31,
]
PLAIN: list[Form[Any]] = [
    PublicKeyForm(),
    PrivateKeyForm(),
    DropURLForm(),
    DropServerURLForm(),
    URLForm(),
]


@pytest.mark.parametrize("form", PLAIN)
@pytest.mark.parametrize("value", [None, 5, True, [], {}, b"x"])
def test_keys_and_urls_are_strings(form: Form[Any], value: object) -> None:
    """A value of another type is not a key or a URL."""
    assert errors_of(lambda: form.read(value)) == [FieldError("", "must be a string")]


# Keys


@given(st.binary(min_size=32, max_size=32))
def test_private_key_is_read_in_either_case_and_written_in_lower(raw: bytes) -> None:
    """Any 32 bytes are a private key."""
    form = PrivateKeyForm()
    assert form.read(raw.hex()) == form.read(raw.hex().upper()) == PrivateKey(raw)
    assert form.write(form.read(raw.hex().upper())) == raw.hex()
    Draft202012Validator(form.schema()).validate(raw.hex())


def test_public_key_is_read_in_either_case_and_written_in_lower() -> None:
    """The 64 digits of a public key may be in either case."""
    form = PublicKeyForm()
    assert form.read(KEY) == form.read(KEY.upper()) == PublicKey.from_hex(KEY)
    assert form.write(form.read(KEY.upper())) == KEY
    Draft202012Validator(form.schema()).validate(KEY)


@pytest.mark.parametrize("form", [PublicKeyForm(), PrivateKeyForm()])
@pytest.mark.parametrize(
    "text", ["", "secret", "f" * 63, "f" * 65, "g" * 64, " " + "f" * 62 + " ", "٣" * 64]
)
def test_key_has_64_hexadecimal_digits(form: Form[Any], text: str) -> None:
    """Text of another length or with other characters is not a key."""
    [error] = errors_of(lambda: form.read(text))
    assert (error.key, error.kind) == ("", ErrorKind.VALUE)
    assert error.detail.startswith("must have 64 hexadecimal digits, but ")
    assert "secret" not in error.detail


@pytest.mark.parametrize("form", [PublicKeyForm(), PrivateKeyForm()])
@pytest.mark.parametrize(
    "text",
    [f" {KEY}\r\n", f"\ufeff{KEY}", f'"{KEY}"', f"<{KEY}>.", f"{KEY[:30]}\n{KEY[30:]}", f"0x{KEY}"],
)
def test_key_is_read_as_tools_leave_it(form: Form[Any], text: str) -> None:
    """What stands around the digits, or breaks them, says nothing."""
    assert form.read(text).hex == KEY


def test_urls_are_read_as_tools_leave_them() -> None:
    """What stands around a drop URL or the URL of a drop server is taken away."""
    drop, server = "https://drop.example/" + "d" * 43, "https://drop.example/a"
    for around in (" {}\r\n", "<{}>", "\ufeff{},", "`{}`", "[{0}]({0})", "URL: {}."):
        assert str(DropURLForm().read(around.format(drop))) == drop
        assert DropServerURLForm().read(around.format(server)) == server


@pytest.mark.parametrize("text", LOW_ORDER)
def test_public_key_of_low_order_is_insecure(text: str) -> None:
    """A key with which everybody shares the same secret is rejected."""
    assert errors_of(lambda: PublicKeyForm().read(text)) == [
        FieldError("", "is an insecure key (low order)")
    ]


@pytest.mark.parametrize("text", NOT_CANONICAL)
def test_public_key_has_one_spelling(text: str) -> None:
    """A key that is not canonical is rejected from clients; what is stored may have one."""
    error = FieldError("", "is not a canonical key: it must be less than 2^255 - 19")
    assert errors_of(lambda: PublicKeyForm().read(text)) == [error]
    with reading_stored():
        key = PublicKeyForm().read(text)
        assert isinstance(key, UnusableKey)
        assert PublicKeyForm().write(key) == text.lower()
        assert not isinstance(PublicKeyForm().read(KEY), UnusableKey)


def test_public_key_of_a_pair_may_be_omitted() -> None:
    """It follows from the private key, and is written."""
    form = KeyPairForm()
    both = {"private_key": PRIVATE.hex, "public_key": PRIVATE.public_key.hex}
    assert form.read({"private_key": PRIVATE.hex}) == form.read(both) == PRIVATE
    assert form.write(PRIVATE) == both


@pytest.mark.parametrize(
    ("form", "value", "errors"),
    [
        (
            KeyPairForm(),
            {"private_key": "11" * 32, "public_key": KEY},
            [FieldError("public_key", "does not match the private key")],
        ),
        (KeyPairForm(), {}, [FieldError.missing("private_key")]),
        (
            KeyPairForm(),
            {"private_key": "x", "public_key": 5},
            [
                FieldError(
                    "private_key",
                    "must have 64 hexadecimal digits, but contains other characters",
                ),
                FieldError("public_key", "must be a string"),
            ],
        ),
        (
            KeyPairForm(),
            {"private_key": "11" * 32, "more": 1},
            [FieldError.unknown("more", ["private_key", "public_key"])],
        ),
        (KeyPairForm(), [], [FieldError("", "must be an object")]),
        (ContactKeysForm(), {}, [FieldError.missing("public_key")]),
        (
            ContactKeysForm(),
            {"public_key": KEY, "private_key": KEY},
            [FieldError.unknown("private_key", ["public_key"])],
        ),
        (ContactKeysForm(), KEY, [FieldError("", "must be an object")]),
    ],
)
def test_invalid_keys_have_errors_at_each_key(
    form: Form[Any], value: object, errors: list[FieldError]
) -> None:
    """A pair must match; a contact has no private key."""
    assert errors_of(lambda: form.read(value)) == errors


def test_keys_can_be_set_one_by_one() -> None:
    """A path leads to a key by its name, and nowhere else."""
    form = ContactKeysForm()
    old = PublicKey.from_hex(KEY)
    errors = Errors()
    new = form.put(old, ["public_key"], PRIVATE.public_key.hex, 0, errors)
    assert (new, bool(errors)) == (PRIVATE.public_key, False)
    assert form.write(new) == {"public_key": PRIVATE.public_key.hex}
    for path in (["private_key"], ["public_key", "x"], ["x"]):
        with pytest.raises(UnknownKey):
            form.put(old, path, KEY, 0, errors)
    with pytest.raises(UnknownKey):
        KeyPairForm().put(PRIVATE, ["x"], KEY, 0, errors)
    KeyPairForm().put(PRIVATE, ["private_key"], "11" * 32, 0, errors)
    assert errors.as_exception().errors == (
        FieldError("public_key", "does not match the private key"),
    )


# URLs


def test_drop_url_is_kept_in_normal_form() -> None:
    """Different spellings of a drop URL are the same value."""
    form = DropURLForm()
    url = form.read(f"HTTPS://Drop.Example:443/A/{DROP_ID}")
    assert url == DropURL("https://drop.example/A", DROP_ID)
    assert form.write(url) == f"https://drop.example/A/{DROP_ID}"
    Draft202012Validator(form.schema()).validate(form.write(url))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://drop.example",
        f"https://drop.example/{DROP_ID}/",
        f"https://drop.example/{DROP_ID[1:]}",
        f"https://drop.example//{DROP_ID}",
        f"x://y/{DROP_ID}",
    ],
)
def test_invalid_drop_url_has_an_error_that_does_not_quote_it(url: str) -> None:
    """A drop URL is secret, even if something is wrong with it."""
    [error] = errors_of(lambda: DropURLForm().read(url))
    assert error.key == ""
    assert DROP_ID[1:] not in error.detail


@pytest.mark.parametrize(
    ("form", "url"),
    [
        (DropServerURLForm(), "HTTPS://Drop.Example:443/A/"),
        (DropServerURLForm(), "http://localhost:5000"),
        (DropServerURLForm(), "https://drop.example/" + "a" * 42),
        (URLForm(), "HTTPS://S.Example:443/"),
        (URLForm(), "s3://bucket.example:80/a?b=c#d"),
        (URLForm(), "https://[::1]/"),
    ],
)
def test_url_of_a_server_is_kept_as_written(form: Form[str], url: str) -> None:
    """What is in the settings is what the user wrote."""
    assert form.write(form.read(url)) == url
    assert form.schema() == {"type": "string", "maxLength": 2048, "format": "uri"}


@pytest.mark.parametrize(
    "url",
    [
        "",
        "drop.example",
        "ftp://drop.example",
        "https://user@drop.example",
        "https://drop.example/?a",
        "https://drop.example/#a",
        "https://drop.example/" + "a" * 2048,
    ],
)
def test_url_of_a_drop_server_is_http_without_query(url: str) -> None:
    """Only what a drop URL can begin with is a drop server's URL."""
    assert len(errors_of(lambda: DropServerURLForm().read(url))) == 1


@pytest.mark.parametrize("path", ["", "/a"])
def test_url_of_a_drop_server_has_no_drop_id(path: str) -> None:
    """The URL of a server is shown, and a drop id in it would be a secret."""
    url = f"https://drop.example{path}/{DROP_ID}"
    assert errors_of(lambda: DropServerURLForm().read(url)) == [
        FieldError("", "must be the drop server's URL, without a drop id")
    ]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "drop.example",
        "https://",
        "https:///path",
        "https://a b",
        "https://müller.example",
        "https://s.example:99999",
        "https://s.example:0",
        "https://[::1",
    ],
)
def test_url_has_a_host(url: str) -> None:
    """Text without scheme and host, or with characters that URLs do not have, is not a URL."""
    assert errors_of(lambda: URLForm().read(url)) == [
        FieldError("", "must be a URL of the form https://host[:port]/path, in ASCII")
    ]
