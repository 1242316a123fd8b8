"""The types of which responses are made."""

import msgspec
import pytest

from qabel.contract.types import JSONObject, KeyHex, Milliseconds, View


class NoteView(View):
    """A view for these tests."""

    text: str
    at: Milliseconds
    key: KeyHex
    data: JSONObject


NOTE = NoteView("secret", 5, "ab" * 32, msgspec.Raw(b'{"a":1.0}'))


def test_view_shows_only_its_type() -> None:
    """Members may be secret, and must not get into logs, not even through a container."""
    assert repr(NOTE) == str(NOTE) == "NoteView()"
    assert repr([NOTE]) == "[NoteView()]"


def test_encoded_object_is_sent_as_it_is() -> None:
    """JSON that is stored is not parsed and encoded again, so that numbers stay as they were."""
    encoded = msgspec.json.encode(NOTE)
    assert encoded.endswith(b'"data":{"a":1.0}}')
    assert msgspec.json.decode(encoded, type=NoteView) == NOTE


@pytest.mark.parametrize("change", [{"key": "ab"}, {"key": "AB" * 32}, {"more": 1}])
def test_other_objects_are_not_the_view(change: dict[str, object]) -> None:
    """A view has no other members than those declared, and a key has 64 digits in lower case."""
    members = {"text": "", "at": 1, "key": "ab" * 32, "data": {}, **change}
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode(members), type=NoteView)


def test_units_are_in_the_schema() -> None:
    """A number of milliseconds is described as such."""
    [schema], _ = msgspec.json.schema_components([Milliseconds])
    assert schema["description"] == "Milliseconds since the epoch."
    assert schema["format"] == "int64"
