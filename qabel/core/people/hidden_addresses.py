"""Introductions in messages, for readers that may not see where people receive messages."""

from typing import Any

import msgspec

from qabel.contract.access import Access
from qabel.jsontext import encode

_MEMBERS = ("meta_data", "announced")
_SHOWN = ("alias", "public_key")
"""What stays of an introduction: neither drop URL nor e-mail address nor phone number."""

_Message = dict[str, msgspec.Raw]
_decoder = msgspec.json.Decoder(_Message | list[_Message])
_introduction = msgspec.json.Decoder(dict[str, Any])


def as_seen_by(text: bytes, access: Access) -> bytes:
    """Return a message, or a list of them, as a caller may see it; both as JSON text.

    Whoever knows a drop URL can watch the drop and fill it: see ``Access.sees_details``.
    """
    if access.sees_details or not any(b'"%b":' % each.encode() in text for each in _MEMBERS):
        return text
    found = _decoder.decode(text)
    for message in found if isinstance(found, list) else [found]:
        for name in _MEMBERS:
            if name in message:
                said = _introduction.decode(message[name])
                shown = {each: said[each] for each in _SHOWN if each in said}
                message[name] = msgspec.Raw(encode(shown))
    return encode(found)
