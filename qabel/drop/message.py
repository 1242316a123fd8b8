"""Drop messages and their JSON text, before it is sealed and after it is opened.

There are two spellings. The deployed clients write ``drop_payload``, a string that by convention
spells a JSON object itself, and ``drop_payload_type``; Qabel-Protocol-Drop ("Drop message")
documents an object ``data`` and ``model_object`` in their place. Both are read, the deployed one
is written.
"""

from functools import lru_cache
from typing import Annotated, Any, Literal

import attrs
import msgspec

from qabel.crypto import KNOWN_KEYS, InvalidKey, PublicKey
from qabel.jsontext import finite_float

MAX_DEPTH = 100
"""How deep objects and lists in a message may lie in each other."""

NO_ACKNOWLEDGEMENT = "0"
"""The ``acknowledge_id`` of a message that asks for none."""


class InvalidDropMessage(ValueError):
    """A text that is no drop message. The message never quotes the text: that is secret."""


class InvalidSender(InvalidDropMessage):
    """The ``sender`` is no key identifier in lower case, so it is nobody's."""


@attrs.frozen
class DropMessage:
    """What one party tells another.

    ``time_stamp`` is in milliseconds since the epoch, ``data`` the compact JSON text of an object
    in UTF-8, ``meta_data`` the same or None. ``acknowledge_id`` is "0" if no answer is wanted.
    """

    time_stamp: int
    sender: PublicKey
    model_object: str = attrs.field(repr=False)
    data: bytes = attrs.field(repr=False)
    acknowledge_id: str = attrs.field(default=NO_ACKNOWLEDGEMENT, repr=False)
    meta_data: bytes | None = attrs.field(default=None, repr=False)
    version: int = 1


class _Envelope(msgspec.Struct, kw_only=True):
    version: Literal[1]
    # A LONG of the deployed clients; as they do, times before the epoch are taken.
    time_stamp: Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
    sender: str
    drop_payload: str | msgspec.UnsetType = msgspec.UNSET
    drop_payload_type: str | msgspec.UnsetType = msgspec.UNSET
    # The oldest clients fail without it; the newest ones may leave it out.
    acknowledge_id: str = NO_ACKNOWLEDGEMENT
    meta_data: dict[str, Any] | msgspec.UnsetType | None = msgspec.UNSET
    data: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    model_object: str | msgspec.UnsetType = msgspec.UNSET

    def __repr__(self) -> str:
        return "_Envelope()"


_ENVELOPE = msgspec.json.Decoder(_Envelope, float_hook=finite_float)
_OBJECT = msgspec.json.Decoder(dict[str, Any], float_hook=finite_float)
_write = msgspec.json.Encoder().encode
_JSON_FAULTS = (msgspec.DecodeError, UnicodeError, RecursionError)


def decode(text: bytes) -> DropMessage:
    """Read the JSON text of a drop message, in either spelling.

    A ``drop_payload`` that spells no JSON object becomes the data ``{"payload": the string}``. Of
    a key that comes twice the last one counts, as with the deployed readers. Raises
    InvalidDropMessage; InvalidSender is the kind for a sender that cannot be one.
    """
    try:
        found = _ENVELOPE.decode(text)
    except _JSON_FAULTS:
        raise InvalidDropMessage("the text is no JSON of a drop message") from None
    sender = _sender(found.sender)
    meta = found.meta_data
    return DropMessage(
        time_stamp=found.time_stamp,
        sender=sender,
        model_object=_model_object(found),
        data=_data(found),
        acknowledge_id=found.acknowledge_id,
        meta_data=_write(_shallow(meta)) if isinstance(meta, dict) else None,
    )


def encode(message: DropMessage) -> bytes:
    """Write the JSON text of a drop message, in the deployed spelling and compactly.

    Raises InvalidDropMessage for what no reader would take.
    """
    envelope = _Envelope(
        version=message.version,  # type: ignore[arg-type]  # the text is read back below
        time_stamp=message.time_stamp,
        sender=message.sender.hex,
        drop_payload=_write(_read_object(message.data)).decode(),
        drop_payload_type=message.model_object,
        acknowledge_id=message.acknowledge_id,
    )
    if message.meta_data is not None:
        envelope.meta_data = _read_object(message.meta_data)
    try:
        text = _write(envelope)
    except UnicodeError:
        raise InvalidDropMessage("a text in the message has half a surrogate pair") from None
    decode(text)
    return text


@lru_cache(KNOWN_KEYS)
def _sender(text: str) -> PublicKey:
    try:
        sender = PublicKey.from_hex(text)
    except InvalidKey:
        sender = None
    # Deployed readers compare the sender as text: in upper case it is nobody they know.
    if sender is None or sender.hex != text:
        raise InvalidSender("the sender is no key identifier: 64 lower-case hex digits")
    return sender


def _model_object(found: _Envelope) -> str:
    for name in (found.drop_payload_type, found.model_object):
        if isinstance(name, str):
            return name
    raise InvalidDropMessage("the message has neither drop_payload_type nor model_object")


def _data(found: _Envelope) -> bytes:
    if isinstance(found.drop_payload, str):
        try:
            return _write(_read_object(found.drop_payload))
        except InvalidDropMessage:
            return _write({"payload": found.drop_payload})
    if isinstance(found.data, dict):
        return _write(_shallow(found.data))
    raise InvalidDropMessage("the message has neither drop_payload nor data")


def _read_object(text: bytes | str) -> dict[str, Any]:
    try:
        value = _OBJECT.decode(text)
        # With so few brackets it cannot be too deep: most messages need no closer look.
        if isinstance(text, str) and text.count("{") + text.count("[") <= MAX_DEPTH:
            return value
        return _shallow(value)
    except _JSON_FAULTS:
        raise InvalidDropMessage("the data are no JSON object") from None


def _shallow(value: dict[str, Any]) -> dict[str, Any]:
    """Give the object back if it is not too deep: whoever reads it later needs no deep stack."""
    depth = 0
    level: list[Any] = [value]
    while level:
        depth += 1
        inner = [x for each in level for x in (each.values() if isinstance(each, dict) else each)]
        level = [each for each in inner if isinstance(each, dict | list)]
    if depth > MAX_DEPTH:
        raise InvalidDropMessage(f"the data lie more than {MAX_DEPTH} levels deep")
    return value
