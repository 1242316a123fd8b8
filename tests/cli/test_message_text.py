"""The text of messages as people read and write it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.cli.errors import CommandError, ExitStatus
from qabel.cli.message_text import parse_object, text_of

OBJECTS = st.dictionaries(st.text(), st.recursive(st.none() | st.integers() | st.text(), st.lists))


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"model_object": "box_message", "data": {"msg": "Hello"}}, "Hello"),
        ({"model_object": "chat", "data": {"msg": "", "more": 1}}, ""),
        ({"model_object": "chat", "data": {"msg": 5}}, '[chat] {"msg":5}'),
        ({"model_object": "photo", "data": {"msg": "Ü"}}, '[photo] {"msg":"Ü"}'),
        ({"model_object": "chat", "data": ["msg"]}, '[chat] ["msg"]'),
        ({"model_object": "chat"}, "[chat] null"),
        ({}, "[None] null"),
    ],
)
def test_text(message: dict[str, Any], text: str) -> None:
    """Of text messages the text is shown, of all others their kind and their data."""
    assert text_of(message) == text


@given(OBJECTS)
def test_objects(value: dict[str, Any]) -> None:
    """Any JSON object can be the value of an option."""
    assert parse_object(json.dumps(value), "--json") == value


@pytest.mark.parametrize("text", ["", "{", "[1]", '"a"', "null", "{'a': 1}"])
def test_values_that_are_no_objects(text: str) -> None:
    """Everything else is a usage error that names the option."""
    with pytest.raises(CommandError, match="--data") as caught:
        parse_object(text, "--data")
    assert caught.value.exit_status == ExitStatus.USAGE
