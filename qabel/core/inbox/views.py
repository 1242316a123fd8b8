"""A received message, as clients see it."""

from typing import Annotated

import msgspec
from msgspec import Meta

from qabel.contract.components import reference
from qabel.contract.types import Id, JSONObject, KeyHex, Milliseconds, View


class IntroductionKeyView(msgspec.Struct):
    """The public key of who is introduced."""

    public_key: KeyHex


class IntroductionView(msgspec.Struct):
    """What the sender of a message says of itself.

    All but ``alias`` and ``public_key`` is left out if the token may not see it.
    """

    alias: str
    public_key: IntroductionKeyView
    drop_url: str | msgspec.UnsetType = msgspec.UNSET
    email: str | msgspec.UnsetType | None = msgspec.UNSET
    phone: str | msgspec.UnsetType | None = msgspec.UNSET

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


_Introduction = Annotated[msgspec.Raw, Meta(extra_json_schema=reference("Introduction"))]


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
    meta_data: _Introduction | msgspec.UnsetType = msgspec.UNSET
    announced: _Introduction | msgspec.UnsetType = msgspec.UNSET
