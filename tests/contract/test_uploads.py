"""Files as bodies of requests."""

import json
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from qabel.contract.body import BadBody, WrongType
from qabel.contract.uploads import FileForm, read_upload, upload
from qabel.forms.compound import Key
from qabel.forms.errors import InvalidInput
from qabel.forms.plain import Integer

FORM = b"application/x-www-form-urlencoded"
MULTIPART = b"multipart/form-data; boundary=b"


class PaperFile(msgspec.Struct):
    """A file for these tests."""

    alias: str


WRAPPED, BODY = upload("PaperUpload", "The paper", [PaperFile], number=Key(Integer(0, 9), 0))


def part(name: str, value: str) -> bytes:
    """Return a body in multipart with one field."""
    head = f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
    return f"{head}{value}\r\n--b--\r\n".encode()


# Reading


@given(
    st.sampled_from([None, b"application/json", b"text/plain", b"application/octet-stream"]),
    st.binary(),
)
def test_file_is_read_as_it_is(header: bytes | None, data: bytes) -> None:
    """Whatever is not an object with a document is the file itself."""
    wrapped = b'{"document":' + json.dumps(data.hex()).encode() + b"}"
    assert read_upload(header, b"\0" + data) == {"document": b"\0" + data}
    assert read_upload(header, wrapped) == {"document": data.hex()}


@pytest.mark.parametrize(
    ("body", "members"),
    [
        ({"document": "text", "number": 5}, {"document": "text", "number": 5}),
        ({"document": {"alias": "a"}}, {"document": {"alias": "a"}}),
        ({"alias": "a"}, {"document": b'{"alias": "a"}'}),
        ([], {"document": b"[]"}),
    ],
)
def test_object_with_a_document_has_further_keys(body: object, members: object) -> None:
    """Other JSON is the file itself."""
    assert read_upload(b"application/json", json.dumps(body).encode()) == members


def test_document_in_a_form_is_text() -> None:
    """A document that is valid JSON stays as it was written; other fields may be numbers."""
    text = '{ "alias": 1.0 }'
    body = urlencode({"document": text, "number": "5"}).encode()
    assert read_upload(FORM, body) == {"document": text, "number": 5}
    assert read_upload(MULTIPART, part("document", text)) == {"document": text}


@pytest.mark.parametrize(
    "content",
    [
        '{"alias":"a"}',
        ' \n{"alias":"a"}',
        "QABELCONTACT\nx",
        "QABELCONTACT%0Ax",
        "Hi & bye =\nQABELCONTACT\nx",
        'see: {"alias":"a"}',
        "%7B%22alias%22:1}",
    ],
)
def test_file_that_is_declared_as_a_form_is_read(content: str) -> None:
    """``curl --data-binary`` declares every file as a form."""
    assert read_upload(FORM, content.encode()) == {"document": content.encode()}


def test_public_key_of_digits_is_not_a_number() -> None:
    """A field of a form is a number only if it is short."""
    key = "1" * 64
    body = urlencode({"document": "", "identity": key, "number": "12"}).encode()
    assert read_upload(FORM, body) == {"document": "", "identity": key, "number": 12}


@pytest.mark.parametrize("header", [b"image/png", b"text/html", b"application/merge-patch+json"])
def test_other_content_types_are_not_supported(header: bytes) -> None:
    """The error names those that are."""
    with pytest.raises(WrongType, match="must be the file itself, application/json"):
        read_upload(header, b"x")


def test_malformed_form_is_an_error() -> None:
    """A body that is declared as multipart must be multipart."""
    with pytest.raises(BadBody):
        read_upload(MULTIPART, b"x")


# The form of the file


@pytest.mark.parametrize(
    ("value", "content"),
    [
        (b"\0", b"\0"),
        ("ü", "ü".encode()),
        ({"alias": "ü"}, '{"alias":"ü"}'.encode()),
        ([1.5, None], b"[1.5,null]"),
    ],
)
def test_file_may_be_bytes_text_or_json(value: object, content: bytes) -> None:
    """What is in the file is not checked here."""
    assert FileForm([PaperFile]).read(value) == content
    assert WRAPPED.read({"document": value}) == {"document": content, "number": 0}


@pytest.mark.parametrize("value", ["\ud800", {"alias": "\ud800"}])
def test_file_contains_no_unpaired_surrogate(value: object) -> None:
    """Such text has no bytes."""
    with pytest.raises(InvalidInput, match="must not contain an unpaired surrogate"):
        FileForm([PaperFile]).read(value)


def test_file_is_written_as_text() -> None:
    """What is written can be read again."""
    form = FileForm([PaperFile])
    assert form.read(form.write("ü".encode())) == "ü".encode()


# The description


def test_body_is_described_as_the_file_or_an_object_with_it() -> None:
    """Other content types are in words: generators of clients take the first, or none."""
    assert BODY.description == (
        "The paper, in an object under `document`, or the document itself, also as `text/plain` "
        "or `application/octet-stream`."
    )
    paper = {"type": "object", "required": ["alias"], "properties": {"alias": {"type": "string"}}}
    assert BODY.schema["anyOf"][0]["title"] == "PaperUpload"
    validator = Draft202012Validator(
        {**BODY.schema, "components": {"schemas": {"PaperFile": paper}}}
    )
    assert validator.is_valid({"alias": "a"})
    assert validator.is_valid({"document": {"alias": "a"}, "number": 5})
    assert validator.is_valid({"document": "text"})
    assert not validator.is_valid({"number": 5})
    assert not validator.is_valid({"document": "text", "more": 1})
