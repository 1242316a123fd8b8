"""Objects of two kinds: each is checked as what it is."""

import pytest

from qabel.forms.alternative import ObjectOrOther
from qabel.forms.compound import Key, Object
from qabel.forms.errors import InvalidInput
from qabel.forms.plain import Integer, Text

FORM = ObjectOrOther(
    {"name": Key(Text())}, "number", Object({"number": Key(Integer(0, 9)), "note": Key(Text(), "")})
)


def test_each_kind_is_read() -> None:
    """The key that only the other kind has tells them apart."""
    assert FORM.read({"name": "x"}) == {"name": "x"}
    assert FORM.read({"number": 5}) == {"number": 5, "note": ""}


@pytest.mark.parametrize(
    ("value", "keys"),
    [
        ({}, ["name"]),
        ({"number": 10}, ["number"]),
        ({"number": 5, "name": "x"}, ["name"]),
        ({"name": "x", "note": ""}, ["note"]),
        ("x", [""]),
    ],
)
def test_what_is_neither(value: object, keys: list[str]) -> None:
    """Keys of both kinds do not go together, and errors are those of the kind that it is."""
    with pytest.raises(InvalidInput) as raised:
        FORM.read(value)
    assert [each.key for each in raised.value.errors] == keys


def test_the_schema_has_both() -> None:
    """The contract describes both kinds, and neither is optional."""
    first, second = FORM.schema()["anyOf"]
    assert (first["required"], second["required"]) == (["name"], ["number"])
    assert not FORM.is_optional
