"""The journal as modules read it: typed entries, messages that are sent among them."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import attrs
import msgspec

from qabel.store.database.connection import Parameters
from qabel.store.modules.gaps import NO_GAPS, Gaps
from qabel.store.modules.happenings import Deleted, Heard, PeopleChanged, SettingsChanged, happening
from qabel.store.modules.places import Place

Read = Callable[[str, Parameters], list[tuple[Any, ...]]]
"""Runs a statement that reads."""


@attrs.frozen(kw_only=True)
class Person:
    """Somebody to or from whom a message is. ``contact_id`` is None for who was no contact then."""

    key: bytes
    """The public key: 32 bytes."""
    contact_id: int | None


@attrs.frozen(kw_only=True)
class _Message:
    place: Place
    identity_id: int
    identity: bytes
    """The public key of the user's identity: 32 bytes."""
    kind: str
    """The ``model_object``."""
    time_stamp: int
    """The sender's time, in milliseconds since the epoch."""
    acknowledge_id: str
    _data: bytes = attrs.field(repr=False, alias="data")

    @property
    def data(self) -> dict[str, Any]:
        """What the message has, decoded at each access: a JSON object."""
        decoded: dict[str, Any] = msgspec.json.decode(self._data)
        return decoded


@attrs.frozen(kw_only=True)
class Received(_Message):
    """A message that was received. Its id in the inbox is the number of the entry."""

    sender: Person
    received: int
    """When, in milliseconds since the epoch."""
    is_introduction: bool
    """Whether it has what its sender says of itself."""

    @property
    def message_id(self) -> int:
        """Its id in the inbox."""
        return self.place.seq


@attrs.frozen(kw_only=True)
class Sent(_Message):
    """A message that is being sent, or was sent."""

    send_id: int
    created: int
    """When it was queued, in milliseconds since the epoch."""
    recipients: Sequence["Recipient"]


@attrs.frozen(kw_only=True)
class Recipient(Person):
    """A recipient of a message, with the state of its delivery when the entry was read."""

    state: str
    """``queued``, ``sent`` or ``failed``."""
    reason: str | None
    acknowledged: int | None
    """When its acknowledgement arrived, in milliseconds since the epoch."""


@attrs.frozen(kw_only=True)
class DeliveryChanged:
    """What has become of a message to one of its recipients."""

    place: Place
    identity_id: int
    identity: bytes
    """The public key of the sending identity: 32 bytes."""
    send_id: int
    recipient: bytes
    """The public key: 32 bytes."""
    state: str
    """``queued``, ``sent`` or ``failed``."""
    reason: str | None
    acknowledged: int | None
    """When the recipient's acknowledgement arrived, in milliseconds since the epoch."""


Entry: TypeAlias = (
    Received | Sent | DeliveryChanged | Deleted | PeopleChanged | SettingsChanged | Heard
)


@attrs.frozen
class Span:
    """Some entries of the journal, one after another."""

    entries: Sequence[Entry]
    """Those that are wanted."""
    last: Place
    """The place of the last one that was looked at."""
    count: int
    """How many were looked at."""


_SQL = """
SELECT 'received' AS what, id AS seq, 0 AS part, identity_id, receiver, model_object, time_stamp,
    acknowledge_id, iif({wanted}, CAST(data AS BLOB), NULL), sender, contact_id, received,
    meta_data IS NOT NULL
FROM messages WHERE id > :received
UNION ALL SELECT * FROM (
    SELECT 'sent', seq, id, identity_id, sender, model_object, 0, acknowledge_id,
        iif({wanted}, message, NULL),
        (SELECT json_group_array(json_array(
            hex(recipient), contact_id, state, reason, acknowledged) ORDER BY deliveries.id)
            FROM deliveries WHERE send_id = sends.id), NULL, created, NULL
    FROM sends WHERE (seq, id) > (:sent, :part) ORDER BY seq, id LIMIT :limit)
UNION ALL SELECT kind, seq, 0, identity_id, identity, NULL, created, NULL, detail, NULL, NULL, NULL,
    NULL FROM events WHERE seq > :events
ORDER BY 2, 3 LIMIT :limit
"""


_Recipient = tuple[str, int | None, str, str | None, int | None]


class _SentText(msgspec.Struct):
    """What ``sends`` has of a message."""

    data: msgspec.Raw
    time_stamp: int = 0


class _Delivery(msgspec.Struct):
    id: int
    recipient: str
    state: str
    reason: str | None = None
    acknowledged: int | None = None


def read_entries(
    read: Read,
    after: Place,
    limit: int,
    kinds: Sequence[str],
    *,
    but: bool = False,
    gaps: Gaps = NO_GAPS,
) -> Span:
    """Return the entries after a place that a module wants, of the next ones.

    Args:
        read: runs statements.
        after: where to go on.
        limit: how many entries are looked at, at most.
        kinds: the kinds of messages that the module wants.
        but: whether it wants all others instead.
        gaps: what cannot be read, and is left out.

    Raises:
        StoreError: the journal cannot be read.

    """
    names = ", ".join(f":kind{number}" for number in range(len(kinds)))
    values: dict[str, object] = {f"kind{number}": each for number, each in enumerate(kinds)}
    wanted = f"model_object {'NOT IN' if but else 'IN'} ({names})"
    values |= gaps.bounds(after) | {"limit": limit}
    # Before the entries: of those up to this number none is missing in what follows.
    [(newest,)] = read("SELECT last_seq FROM state", ())
    rows = read(_SQL.format(wanted=wanted), values)
    entries = [entry for row in rows if (entry := _entry(*row)) is not None]
    last = Place(*rows[-1][1:3]) if rows else after
    if len(rows) < limit:
        # The newest entries may have been deleted.
        last = max(last, Place(newest))
    return Span(entries, last, len(rows))


def _entry(what: str, seq: int, part: int, *rest: Any) -> Entry | None:
    place = Place(seq, part)
    if what == "received":
        return _received(place, *rest)
    if what == "sent":
        return _sent(place, *rest)
    if what == "outbox":
        return _changed(place, rest[0], rest[1], rest[5])
    return happening(place, what, *rest)


def _received(
    place: Place,
    identity_id: int,
    identity: bytes,
    kind: str,
    time_stamp: int,
    acknowledge_id: str,
    data: bytes | None,
    sender: bytes,
    contact_id: int | None,
    received: int,
    is_introduction: int,
) -> Received | None:
    if data is None:
        return None
    return Received(
        place=place,
        identity_id=identity_id,
        identity=identity,
        kind=kind,
        time_stamp=time_stamp,
        acknowledge_id=acknowledge_id,
        data=data,
        sender=Person(key=sender, contact_id=contact_id),
        received=received,
        is_introduction=bool(is_introduction),
    )


def _sent(
    place: Place,
    identity_id: int,
    identity: bytes,
    kind: str,
    _: int,
    acknowledge_id: str,
    message: bytes | None,
    recipients: str,
    __: None,
    created: int,
    ___: None,
) -> Sent | None:
    if message is None:
        return None
    text = msgspec.json.decode(message, type=_SentText)
    found = msgspec.json.decode(recipients, type=list[_Recipient])
    return Sent(
        place=place,
        identity_id=identity_id,
        identity=identity,
        kind=kind,
        time_stamp=text.time_stamp or created,
        acknowledge_id=acknowledge_id,
        data=bytes(text.data),
        send_id=place.part,
        created=created,
        recipients=[
            Recipient(
                key=bytes.fromhex(key),
                contact_id=number,
                state=state,
                reason=reason,
                acknowledged=acknowledged,
            )
            for key, number, state, reason, acknowledged in found
        ],
    )


def _changed(place: Place, identity_id: int, identity: bytes, detail: bytes) -> DeliveryChanged:
    found = msgspec.json.decode(detail, type=_Delivery)
    return DeliveryChanged(
        place=place,
        identity_id=identity_id,
        identity=identity,
        send_id=found.id,
        recipient=bytes.fromhex(found.recipient),
        state=found.state,
        reason=found.reason,
        acknowledged=found.acknowledged,
    )
