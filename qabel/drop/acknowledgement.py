"""Acknowledgements: whether a message requests one, and what it contains.

The form is that of Qabel-Client-Drop, "Special messages", "Acknowledging" and "Errors".
"""

import secrets

from qabel.crypto import PublicKey
from qabel.drop.message import NO_ACKNOWLEDGEMENT, DropMessage

DROP_MODEL = "drop"
"""The ``model_object`` of messages about messages."""


UNKNOWN_MODULE = "UNKNOWN_MODULE"
"""The ``type`` of a report that the recipient has no module for a message."""


def new_acknowledge_id() -> str:
    """Return an id that no other message has: 128 random bits as 32 hex digits."""
    return secrets.token_hex(16)


def asks_for_acknowledgement(message: DropMessage) -> bool:
    """Return whether the sender of a message requests an acknowledgement."""
    return (
        message.acknowledge_id not in ("", NO_ACKNOWLEDGEMENT)
        and message.model_object != DROP_MODEL
    )


def acknowledgement(
    acknowledge_id: str, sender: PublicKey, time_stamp: int, *, is_refusal: bool = False
) -> DropMessage:
    """Return the acknowledgement of a message.

    Args:
        acknowledge_id: that of the message, which requests it.
        sender: who sends the acknowledgement: the receiver of the message.
        time_stamp: of the acknowledgement, in milliseconds since the epoch.
        is_refusal: report instead that there is no module for the message.

    """
    return DropMessage(
        time_stamp=time_stamp,
        sender=sender,
        model_object=DROP_MODEL,
        data=b'{"type":"%b"}' % UNKNOWN_MODULE.encode() if is_refusal else b"{}",
        acknowledge_id=acknowledge_id,
    )
