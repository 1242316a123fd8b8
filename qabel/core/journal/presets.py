"""Presets of webhooks: calls of push services, which learn that something is new, and not what."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from attrs import field, frozen

PRESETS = ("ntfy", "unifiedpush")
"""The push services whose interfaces are known."""

KINDS: Sequence[str] = ("notify.new",)
"""The kinds of entries that are delivered, unless others are chosen: what is worth a notice."""

DAY = 24 * 60 * 60
"""Seconds for which a push service keeps a call for a device that cannot be reached."""


@frozen
class PushCall:
    """What is posted: the same for each entry."""

    body: bytes = field(repr=False)
    headers: Mapping[str, str]


_TEXT = {"Content-Type": "text/plain; charset=utf-8"}

CALLS: Mapping[str, PushCall] = MappingProxyType(
    {
        # The body is the text of the notice.
        "ntfy": PushCall(b"New message", {**_TEXT, "Title": "Qabel", "Tags": "envelope"}),
        # The body goes to the application, which knows what it means.
        "unifiedpush": PushCall(b"New message", {**_TEXT, "TTL": str(DAY), "Urgency": "normal"}),
    }
)
"""The call of each preset."""
