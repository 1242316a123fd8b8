"""Messages as people read them, and the ones that they write."""

import json
from collections.abc import Mapping
from typing import Any

from qabel.cli.errors import usage_error

TEXT_MODEL = "box_message"
"""The ``model_object`` of what people write to each other: deployed clients show these as text,
and so do we. The text stands in ``data`` under ``msg`` (Qabel-Protocol-Box, "User to user
messaging")."""

TEXT_MODELS = (TEXT_MODEL, "chat")
"""Those that are shown as nothing but their text."""


def text_of(message: Mapping[str, Any]) -> str:
    """Give what people read of a message: its text, or what kind it is and its data."""
    data = message.get("data")
    model = str(message.get("model_object"))
    text = data.get("msg") if isinstance(data, dict) else None
    if isinstance(text, str) and model in TEXT_MODELS:
        return text
    return f"[{model}] {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}"


def read_object(text: str, option: str) -> dict[str, Any]:
    """Read the JSON object that a user gave. Raises CommandError."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise usage_error(
            f"{option}: this is no JSON ({error})", """as '{"msg": "Hello"}'"""
        ) from None
    if not isinstance(value, dict):
        raise usage_error(f"{option}: this is JSON, but no object", """as '{"msg": "Hello"}'""")
    return value
