"""From what a client wants sent to a drop message, and from one that asks to its answer."""

import secrets
from collections.abc import Mapping

from qabel.core.errors import Invalid
from qabel.crypto import PublicKey
from qabel.drop.message import NO_ACKNOWLEDGEMENT, DropMessage
from qabel.jsontext import encode as encode_json
from qabel.settings.document import Fault

DROP_MODEL = "drop"
"""The ``model_object`` of messages about messages (Qabel-Client-Drop, "Special messages")."""

AUTO = "auto"
"""The ``acknowledge_id`` by which a client asks for a fresh one."""

MESSAGE_VERSION = 1
MAX_TIME_STAMP = 2**63 - 1

_KEYS = {
    "version",
    "time_stamp",
    "acknowledge_id",
    "sender",
    "receiver",
    "model_object",
    "data",
}


def new_acknowledge_id() -> str:
    """Give an id that no other message has: 128 random bits as 32 hex digits."""
    return secrets.token_hex(16)


def compose(
    given: object, sender: PublicKey, receivers: list[PublicKey], now: float
) -> DropMessage:
    """Make the drop message that a client described (the REST contract, POST /drop).

    ``now`` is in seconds since the epoch. Raises Invalid with every fault there is.
    """
    if not isinstance(given, Mapping):
        fault = Fault("drop_message", "must be a JSON object")
        raise Invalid("The drop message is not valid.", [fault])
    faults = [
        Fault(f"drop_message.{key}", f"is not known; the keys are {', '.join(sorted(_KEYS))}")
        for key in given
        if key not in _KEYS
    ]
    model_object = _text(given, "model_object", faults, required=True)
    if model_object == DROP_MODEL:
        faults.append(
            Fault("drop_message.model_object", f'"{DROP_MODEL}" is reserved for the daemon itself')
        )
    data = given.get("data")
    if not isinstance(data, Mapping):
        faults.append(Fault("drop_message.data", "is required, and must be a JSON object"))
    acknowledge_id = _text(given, "acknowledge_id", faults) or NO_ACKNOWLEDGEMENT
    time_stamp = _time_stamp(given, now, faults)
    _agree(given, sender, receivers, faults)
    if faults:
        raise Invalid("The drop message is not valid.", faults)
    return DropMessage(
        time_stamp=time_stamp,
        sender=sender,
        model_object=model_object,
        data=encode_json(data),
        acknowledge_id=new_acknowledge_id() if acknowledge_id == AUTO else acknowledge_id,
    )


def acknowledgement(message: DropMessage, receiver: PublicKey, now: float) -> DropMessage:
    """Make the answer to a message that asks for one (Qabel-Client-Drop, "Acknowledging")."""
    return DropMessage(
        time_stamp=int(now * 1000),
        sender=receiver,
        model_object=DROP_MODEL,
        data=b"{}",
        acknowledge_id=message.acknowledge_id,
    )


def asks_for_acknowledgement(message: DropMessage) -> bool:
    """Tell whether its sender wants to hear that it came."""
    return (
        message.acknowledge_id not in ("", NO_ACKNOWLEDGEMENT)
        and message.model_object != DROP_MODEL
    )


def _text(
    given: Mapping[str, object], key: str, faults: list[Fault], *, required: bool = False
) -> str:
    value = given.get(key)
    if value is None and key not in given and not required:
        return ""
    if isinstance(value, str) and value:
        try:
            value.encode()
        except UnicodeEncodeError:
            faults.append(Fault(f"drop_message.{key}", "holds half of a surrogate pair"))
        return value
    faults.append(
        Fault(f"drop_message.{key}", ("is required, and " if required else "") + "must be a text")
    )
    return ""


def _time_stamp(given: Mapping[str, object], now: float, faults: list[Fault]) -> int:
    value = given.get("time_stamp", int(now * 1000))
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_TIME_STAMP:
        return value
    faults.append(
        Fault("drop_message.time_stamp", "must be a whole number: milliseconds since the epoch")
    )
    return 0


def _agree(
    given: Mapping[str, object],
    sender: PublicKey,
    receivers: list[PublicKey],
    faults: list[Fault],
) -> None:
    """See that what a client may give, but not choose, is what the daemon would write."""
    version = given.get("version", MESSAGE_VERSION)
    if version is True or version != MESSAGE_VERSION:
        faults.append(Fault("drop_message.version", f"must be {MESSAGE_VERSION}, or left out"))
    if given.get("sender", sender.hex) != sender.hex:
        faults.append(Fault("drop_message.sender", "is another than the sender; leave it out"))
    if "receiver" in given and [given["receiver"]] != [each.hex for each in receivers]:
        faults.append(Fault("drop_message.receiver", "is not the one recipient; leave it out"))
