"""Bodies of requests: JSON and forms mean the same."""

import json
from contextlib import suppress
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qabel.contract.body import BadBody, WrongType, read_members, read_patch

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
def test_same_in_both(members: dict[str, object]) -> None:
    """What JSON says, a form with its values in JSON says too."""
    text = json.dumps(members).encode()
    form = urlencode({name: json.dumps(value) for name, value in members.items()}).encode()
    assert read_members(b"application/json", text) == members
    assert read_members(b"application/x-www-form-urlencoded", form) == members


@given(TYPES | st.binary(), st.binary())
def test_anything(content_type: bytes, data: bytes) -> None:
    """Whatever comes, it is read, or refused as what it is."""
    for read in (read_members, read_patch):
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
def test_values_of_forms(text: str, value: object) -> None:
    """A value that is valid JSON is taken as JSON, any other as a text."""
    body = urlencode({"value": text}).encode()
    assert read_members(b"application/x-www-form-urlencoded", body) == {"value": value}
    part = f'--b\r\nContent-Disposition: form-data; name="value"\r\n\r\n{text}\r\n--b--\r\n'
    assert read_members(b"multipart/form-data; boundary=b", part.encode()) == {"value": value}
