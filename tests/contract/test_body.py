"""Bodies of requests: what JSON and forms mean, and what is wrong with others."""

import json
from contextlib import suppress
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qabel.contract.body import (
    MAX_FIELDS,
    BadBody,
    WrongType,
    media_type,
    read_fields,
    read_members,
    read_patch,
)

FORM = b"application/x-www-form-urlencoded"
MULTIPART = b"multipart/form-data; boundary=b"
OTHER_TYPE = (
    "The body must be application/json, application/x-www-form-urlencoded or multipart/form-data."
)
TEXTS = st.text(max_size=20)
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=5
)
TYPES = st.sampled_from(
    [
        b"application/json",
        b"application/x-www-form-urlencoded",
        b"multipart/form-data; boundary=b",
        b"multipart/form-data",
        b"text/plain",
    ]
)


@settings(max_examples=50)
@given(st.dictionaries(st.text(min_size=1, max_size=20), VALUES, min_size=1, max_size=5))
def test_json_and_forms_mean_the_same(members: dict[str, object]) -> None:
    """A form with values in JSON is read as the JSON object with these values."""
    text = json.dumps(members).encode()
    form = urlencode({name: json.dumps(value) for name, value in members.items()}).encode()
    assert read_members(b"application/json", text) == members
    assert read_members(b"application/x-www-form-urlencoded", form) == members


@given(TYPES | st.binary(), st.binary())
def test_any_body_is_read_or_rejected(content_type: bytes, data: bytes) -> None:
    """No content type and no data lead to another exception."""
    for read in (read_members, read_patch, read_fields):
        with suppress(BadBody, WrongType):
            read(content_type, data)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("true", True),
        ("null", None),
        ('"1"', "1"),
        ("[1, 2]", [1, 2]),
        ('{"a": 1}', {"a": 1}),
        ("", ""),
        ("word", "word"),
        ("NaN", "NaN"),
        ("01", "01"),
        ("{", "{"),
        ("1 2", "1 2"),
        ('{"a": 1, "a": 2}', '{"a": 1, "a": 2}'),
    ],
)
def test_value_in_a_form_is_json_or_text(text: str, value: object) -> None:
    """A value that is valid JSON is read as JSON, and any other value as a string."""
    body = urlencode({"value": text}).encode()
    assert read_members(b"application/x-www-form-urlencoded", body) == {"value": value}
    part = f'--b\r\nContent-Disposition: form-data; name="value"\r\n\r\n{text}\r\n--b--\r\n'
    assert read_members(b"multipart/form-data; boundary=b", part.encode()) == {"value": value}


def part(name: str, value: bytes, boundary: bytes = b"b") -> bytes:
    """Return a body in multipart with one field."""
    head = f'Content-Disposition: form-data; name="{name}"\r\n\r\n'.encode()
    return b"--" + boundary + b"\r\n" + head + value + b"\r\n--" + boundary + b"--\r\n"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, ("", {})),
        (b"", ("", {})),
        (b"Application/JSON", ("application/json", {})),
        (b"text/plain; charset=UTF-8", ("text/plain", {"charset": "UTF-8"})),
        (b'multipart/form-data; boundary="a b"', ("multipart/form-data", {"boundary": "a b"})),
    ],
)
def test_content_type_has_a_type_and_options(
    header: bytes | None, expected: tuple[str, dict[str, str]]
) -> None:
    """The type is in lower case, and empty without a header."""
    assert media_type(header) == expected


@pytest.mark.parametrize(
    ("header", "data", "text"),
    [
        (b"\xff", b"{}", "The header Content-Type is malformed."),
        (b"application/json; charset=latin-1", b"{}", "The charset of the body must be UTF-8."),
        (
            b"application/x-www-form-urlencoded; charset=latin-1",
            b"a=1",
            "The charset of the body must be UTF-8.",
        ),
        (
            b"text/plain",
            b"x",
            OTHER_TYPE,
        ),
        (
            None,
            b"{}",
            OTHER_TYPE.replace("The body must", "The header Content-Type is missing: it must"),
        ),
    ],
)
def test_other_content_types_are_not_supported(
    header: bytes | None, data: bytes, text: str
) -> None:
    """The error names those that are."""
    with pytest.raises(WrongType) as caught:
        read_members(header, data)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("header", "data", "text"),
    [
        (None, b"", "The body is empty."),
        (b"application/json", b"", "The body is empty."),
        (b"application/json", b"[]", "The body must be a JSON object."),
        (
            FORM,
            b' {"a": 1}',
            (
                "The body is JSON, but declared as application/x-www-form-urlencoded: send "
                "Content-Type: application/json."
            ),
        ),
        (b"multipart/form-data", b"--b--", "The header Content-Type has no boundary."),
        (FORM, b"a=\xff", "The form is not URL-encoded UTF-8."),
        (FORM, b"a=%ff", "The form is not URL-encoded UTF-8."),
        (FORM, b"a=1&a=2", "The form has more than one field a."),
        (
            FORM,
            b"a",
            f"The body is not a URL-encoded form, or has more than {MAX_FIELDS} fields.",
        ),
        (
            FORM,
            b"&".join(b"a%d=1" % number for number in range(MAX_FIELDS + 1)),
            f"The body is not a URL-encoded form, or has more than {MAX_FIELDS} fields.",
        ),
        (MULTIPART, part("a", b"\xff"), "The field a is not text in UTF-8."),
    ],
)
def test_malformed_body_is_an_error(header: bytes | None, data: bytes, text: str) -> None:
    """The error says what is wrong."""
    with pytest.raises(BadBody) as caught:
        read_members(header, data)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("header", "data"),
    [
        (b"application/json", b'{"a": "secret'),
        (b"application/json", b'{"secret": 1, "secret": 2}'),
        (MULTIPART, b"secret"),
        (MULTIPART, part("a", b"secret")[:-8]),
        (b"multipart/form-data", part("a", b"secret")),
    ],
)
def test_error_does_not_quote_the_body(header: bytes, data: bytes) -> None:
    """Bodies have private keys and messages in them."""
    with pytest.raises(BadBody) as caught:
        read_members(header, data)
    assert "secret" not in str(caught.value)


def test_merge_patch_has_a_content_type_of_its_own() -> None:
    """A patch may be any JSON, or a form of its outermost members."""
    assert read_patch(b"application/merge-patch+json", b"[]") == []
    assert read_patch(b"application/json", b'{"a": null}') == {"a": None}
    assert read_patch(FORM, b"a=null") == {"a": None}
    with pytest.raises(WrongType):
        read_members(b"application/merge-patch+json", b"{}")


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_line_end_after_a_form_is_no_part_of_it(end: bytes) -> None:
    """What an editor puts at the end of a file with a form does not get into its last field."""
    assert read_members(FORM, b"alias=Bob" + end) == {"alias": "Bob"}
    assert read_members(FORM, b"alias=Bob%0D%0A" + end) == {"alias": "Bob\r\n"}


def test_fields_can_be_read_as_text() -> None:
    """A form whose values stay as they are cannot be JSON."""
    assert read_fields(FORM, b"a=1&b=") == {"a": "1", "b": ""}
    assert read_fields(MULTIPART, part("a", b"1")) == {"a": "1"}
    with pytest.raises(WrongType):
        read_fields(b"application/json", b"{}")
