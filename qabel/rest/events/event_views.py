"""Events as clients see them: in the stream of ``/events``, and in the bodies of webhook calls.

The database makes their text; these types describe it.
"""

from typing import Literal

import msgspec

from qabel.contract.components import reference
from qabel.contract.schemas import Document
from qabel.contract.types import CursorText, Id, KeyHex, Milliseconds, View
from qabel.core.inbox.views import MessageView
from qabel.store.outbox.sends import DeliveryState


class ReceivedMessageView(MessageView, kw_only=True):
    """A received message; ``time`` is when it was received."""

    time: Milliseconds


class DeliveryView(View):
    """The state of a delivery after it changed; ``id`` is the send in ``/outbox``."""

    time: Milliseconds
    identity_id: Id
    id: Id
    recipient: KeyHex
    contact_id: Id | None
    state: DeliveryState
    reason: str | None
    acknowledged: Milliseconds | None


class SettingsChangeView(View):
    """One of the settings documents has changed."""

    time: Milliseconds


class DamageView(View):
    """Entries that are damaged and cannot be read; ``ids`` are ids and ranges, as in 7,12-15."""

    time: Milliseconds
    table: Literal["messages", "events"]
    ids: str
    identity_id: Id | msgspec.UnsetType = msgspec.UNSET


class DropEventView(View, tag_field="event", tag="drop"):
    """A message was received."""

    id: CursorText
    data: ReceivedMessageView


class OutboxEventView(View, tag_field="event", tag="outbox"):
    """The state of a delivery has changed."""

    id: CursorText
    data: DeliveryView


class SettingsEventView(View, tag_field="event", tag="settings"):
    """The local settings have changed."""

    id: CursorText
    data: SettingsChangeView


class SyncedEventView(View, tag_field="event", tag="synced"):
    """The synced settings have changed."""

    id: CursorText
    data: SettingsChangeView


class DamageEventView(View, tag_field="event", tag="damage"):
    """A part of the event log cannot be read; it is sent whatever kinds were asked for."""

    id: CursorText
    data: DamageView


EVENT_TYPES = (
    DropEventView,
    OutboxEventView,
    SettingsEventView,
    SyncedEventView,
    DamageEventView,
)

_NAMES = {
    "drop": "DropEvent",
    "outbox": "OutboxEvent",
    "settings": "SettingsEvent",
    "synced": "SyncedEvent",
    "damage": "DamageEvent",
}

EVENT = Document(
    "Event",
    {
        "description": "An event of the stream `/events`.",
        "oneOf": [reference(name) for name in _NAMES.values()],
        "discriminator": {
            "propertyName": "event",
            "mapping": {kind: reference(name)["$ref"] for kind, name in _NAMES.items()},
        },
    },
)
"""Any event, by its kind."""
