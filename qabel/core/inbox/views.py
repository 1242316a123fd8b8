"""A received message, as clients see it."""

import msgspec

from qabel.contract.types import Id, JSONObject, KeyHex, Milliseconds, View


class MessageView(View, omit_defaults=True):
    """A received message.

    ``meta_data`` is the introduction of a sender who is no contact, if the message has one: its key
    is that of the sender. What a contact announces of itself is ``announced``, and changes nothing.
    """

    version: int
    time_stamp: Milliseconds
    acknowledge_id: str
    sender: KeyHex
    receiver: KeyHex
    model_object: str
    data: JSONObject
    id: Id
    received: Milliseconds
    identity_id: Id
    contact_id: Id | None
    meta_data: JSONObject | msgspec.UnsetType = msgspec.UNSET
    announced: JSONObject | msgspec.UnsetType = msgspec.UNSET
