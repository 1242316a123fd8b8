"""Drop messages and their JSON text, before sealing and after opening.

There are two spellings. The deployed clients write ``drop_payload``, a string that by convention
contains a JSON object, and ``drop_payload_type``. Qabel-Protocol-Drop ("Drop message") documents
an object ``data`` and ``model_object`` instead. Both are read; the deployed one is written.
"""

from functools import lru_cache
from typing import Annotated, Any, Literal

import attrs
import msgspec

from qabel.crypto import KNOWN_KEYS, InvalidKey, PublicKey
from qabel.jsontext import InvalidJSON, InvalidNumber, parse

MAX_DEPTH = 100
"""Levels of nested objects and arrays that a message may have."""

NO_ACKNOWLEDGEMENT = "0"
"""The ``acknowledge_id`` of a message that requests no acknowledgement."""


class InvalidDropMessage(ValueError):
    """The text is not a drop message. The error never quotes the text, which is secret."""


class InvalidSender(InvalidDropMessage):
    """The ``sender`` is not a key identifier in lower case, so the message is nobody's."""


@attrs.frozen
class DropMessage:
    """A message from one party to another.

    ``time_stamp`` is in milliseconds since the epoch. ``data`` is a JSON object as compact text in
    UTF-8, and so is ``meta_data`` unless it is None. ``acknowledge_id`` is "0" if no
    acknowledgement is requested.
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
    # A 64-bit integer; like the deployed clients, we accept times before the epoch.
    time_stamp: Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
    sender: str
    drop_payload: str | msgspec.UnsetType = msgspec.UNSET
    drop_payload_type: str | msgspec.UnsetType = msgspec.UNSET
    # The oldest clients fail without it; the newest ones may omit it.
    acknowledge_id: str = NO_ACKNOWLEDGEMENT
    meta_data: dict[str, Any] | msgspec.UnsetType | None = msgspec.UNSET
    data: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    model_object: str | msgspec.UnsetType = msgspec.UNSET

    def __repr__(self) -> str:
        return "_Envelope()"


_SYNTAX = msgspec.json.Decoder(dict[str, msgspec.Raw])
_write = msgspec.json.Encoder().encode


def decode(text: bytes) -> DropMessage:
    """Parse the JSON text of a drop message in either spelling.

    A ``drop_payload`` that is not a JSON object becomes the data ``{"payload": the string}``. The
    last of duplicate keys counts, as in the deployed readers. No number in the message may exceed
    the limits of ``qabel.jsontext``: no client could read it. Raises InvalidDropMessage, or its
    subclass InvalidSender for a malformed sender.
    """
    try:
        value = parse(text, MAX_DEPTH + 1, unique_keys=False)
        found = msgspec.convert(value, _Envelope)
    except (InvalidJSON, msgspec.ValidationError):
        raise InvalidDropMessage("the text is not the JSON of a drop message") from None
    sender = _parse_sender(found.sender)
    meta = found.meta_data
    return DropMessage(
        time_stamp=found.time_stamp,
        sender=sender,
        model_object=_model_object(found),
        data=_encode_data(found),
        acknowledge_id=found.acknowledge_id,
        meta_data=_write(meta) if isinstance(meta, dict) else None,
    )


def encode(message: DropMessage) -> bytes:
    """Encode a drop message as compact JSON in the deployed spelling.

    Raises InvalidDropMessage for a message that no reader would accept.
    """
    envelope = _Envelope(
        version=message.version,  # type: ignore[arg-type]  # the text is read back below
        time_stamp=message.time_stamp,
        sender=message.sender.hex,
        drop_payload=_write(_parse_object(message.data)).decode(),
        drop_payload_type=message.model_object,
        acknowledge_id=message.acknowledge_id,
    )
    if message.meta_data is not None:
        envelope.meta_data = _parse_object(message.meta_data)
    try:
        text = _write(envelope)
    except UnicodeError:
        raise InvalidDropMessage("a string in the message has an unpaired surrogate") from None
    decode(text)
    return text


@lru_cache(KNOWN_KEYS)
def _parse_sender(text: str) -> PublicKey:
    try:
        sender = PublicKey.from_hex(text)
    except InvalidKey:
        sender = None
    # Deployed readers compare the sender as text: in upper case they do not recognize it.
    if sender is None or sender.hex != text:
        raise InvalidSender("the sender must be 64 lower-case hexadecimal digits")
    return sender


def _model_object(found: _Envelope) -> str:
    for name in (found.drop_payload_type, found.model_object):
        if isinstance(name, str):
            return name
    raise InvalidDropMessage("the message has neither drop_payload_type nor model_object")


def _encode_data(found: _Envelope) -> bytes:
    if isinstance(found.drop_payload, str):
        return _write(_parse_payload(found.drop_payload))
    if isinstance(found.data, dict):
        return _write(found.data)
    raise InvalidDropMessage("the message has neither drop_payload nor data")


def _parse_payload(text: str) -> dict[str, Any]:
    try:
        value = parse(text.encode(), MAX_DEPTH, unique_keys=False)
    except InvalidNumber:
        if _is_object(text):
            raise InvalidDropMessage("a number in the data is out of range") from None
        value = None
    except InvalidJSON:
        value = None
    return value if isinstance(value, dict) else {"payload": text}


def _is_object(text: str) -> bool:
    """Return whether the text is a JSON object, whatever its numbers are."""
    try:
        _SYNTAX.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return True


def _parse_object(text: bytes) -> dict[str, Any]:
    try:
        value = parse(text, MAX_DEPTH, unique_keys=False)
    except InvalidJSON as error:
        raise InvalidDropMessage(f"the data are not a valid JSON object: {error}") from None
    if not isinstance(value, dict):
        raise InvalidDropMessage("the data are not a JSON object")
    return value
