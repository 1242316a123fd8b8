"""The text of messages, and the data of messages that users write."""

import json
from collections.abc import Mapping
from typing import Any

from qabel.cli.errors import usage_error

TEXT_MODEL = "box_message"
"""The ``model_object`` of text that people write to each other, as in deployed clients. The text is
``msg`` in ``data`` (Qabel-Protocol-Box, "User to user messaging")."""

TEXT_MODELS = (TEXT_MODEL, "chat")
"""The kinds of messages of which only the text is shown."""

_EXAMPLE = """Example: '{"msg": "Hello"}'"""


def text_of(message: Mapping[str, Any]) -> str:
    """Return what people read of a message: its text, or its kind and its data."""
    data = message.get("data")
    model = str(message.get("model_object"))
    text = data.get("msg") if isinstance(data, dict) else None
    if isinstance(text, str) and model in TEXT_MODELS:
        return text
    return f"[{model}] {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}"


def parse_object(text: str, option: str) -> dict[str, Any]:
    """Return the JSON object that an option has as its value. Raises CommandError."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise usage_error(f"{option} is not valid JSON: {error}", _EXAMPLE) from None
    if not isinstance(value, dict):
        raise usage_error(f"{option} must be a JSON object", _EXAMPLE)
    return value
