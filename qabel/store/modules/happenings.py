"""Entries of the journal that are no messages: changes of people and settings, and events."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import attrs
import msgspec

from qabel.store.deleted import DELETED
from qabel.store.modules.places import Place


@attrs.frozen(kw_only=True)
class PeopleChanged:
    """Identities or contacts have changed, or servers, or what modules store beside them."""

    place: Place


@attrs.frozen(kw_only=True)
class Deleted:
    """Messages that were deleted: rows that refer to them are gone already."""

    place: Place
    message_ids: Sequence[int]
    """Of received messages: their ids in the inbox."""
    send_ids: Sequence[int]
    """Of messages that were sent: their ids in the outbox."""


@attrs.frozen(kw_only=True)
class SettingsChanged:
    """The local settings have changed; those of the module may be the same as before."""

    place: Place


@attrs.frozen(kw_only=True)
class Heard:
    """An event that another module has told."""

    place: Place
    kind: str
    """The name of the module, a dot, and what happened."""
    time: int
    """When it was told, in milliseconds since the epoch."""
    identity_id: int | None
    """The user's identity that it is about; None for what is about no single one."""
    identity: bytes | None
    """The public key of that identity: 32 bytes."""
    _detail: bytes = attrs.field(repr=False, alias="detail")

    @property
    def detail(self) -> dict[str, Any]:
        """What the event has, decoded at each access."""
        decoded: dict[str, Any] = msgspec.json.decode(self._detail)
        return decoded


class _Gone(msgspec.Struct):
    messages: list[int]
    sends: list[int]


Happening: TypeAlias = Deleted | PeopleChanged | SettingsChanged | Heard


def happening(place: Place, kind: str, *rest: Any) -> Happening | None:
    """Return the entry for an event; None for one that is of no use to modules.

    Args:
        place: of the entry.
        kind: of the event.
        rest: the further columns of entries.

    """
    if kind == "synced":
        return PeopleChanged(place=place)
    if kind == "settings":
        return SettingsChanged(place=place)
    identity_id, identity, _, time, _, detail = rest[:6]
    if kind == DELETED:
        gone = msgspec.json.decode(detail, type=_Gone)
        return Deleted(place=place, message_ids=gone.messages, send_ids=gone.sends)
    if "." not in kind:
        return None
    return Heard(
        place=place,
        kind=kind,
        time=time,
        identity_id=identity_id,
        identity=identity,
        detail=bytes(detail),
    )
