"""The rows of received messages, and their JSON form."""

from collections.abc import Mapping

import attrs

from qabel.jsontext import encode
from qabel.store.database.connection import Connection
from qabel.store.outbox.acknowledgements import NewAcknowledgement


@attrs.frozen(kw_only=True)
class NewMessage:
    """A message that was received and opened, to be stored. Keys as 32 bytes, times in ms."""

    hash: bytes
    """Of the bytes from the server (``qabel.drop.transport.HASH_SIZE``)."""
    version: int
    time_stamp: int
    acknowledge_id: str
    sender: bytes
    receiver: bytes
    model_object: str
    data: bytes = attrs.field(repr=False)
    """A JSON object, encoded."""
    meta_data: bytes | None = attrs.field(default=None, repr=False)
    """The sender's introduction of itself: a JSON object, encoded."""
    received: int
    identity_id: int
    contact_id: int | None
    acknowledgement: NewAcknowledgement | None = None
    """What to send in return, once, if the message is new."""
    stranger: int = attrs.field(init=False)
    """The bytes that it takes of what is kept of strangers; 0 for a contact's."""

    @stranger.default
    def _size_of_stranger(self) -> int:
        return json_size(self) if self.contact_id is None else 0


@attrs.frozen(kw_only=True)
class StoredMessage:
    """A message in the inbox; its ``id`` is its number in the journal."""

    id: int
    version: int
    time_stamp: int
    acknowledge_id: str
    sender: bytes
    receiver: bytes
    model_object: str
    data: bytes = attrs.field(repr=False)
    meta_data: bytes | None = attrs.field(repr=False)
    received: int
    identity_id: int
    contact_id: int | None


@attrs.frozen
class Filter:
    """Which messages to read: those that match all given values."""

    identity_id: int | None = None
    contact_id: int | None = None
    model_object: str | None = None
    receiver: bytes | None = attrs.field(default=None, repr=False)

    @property
    def sql(self) -> str:
        """The conditions, to follow another one."""
        return "".join(f" AND {name} = :{name}" for name in self.parameters)

    @property
    def parameters(self) -> Mapping[str, object]:
        """The values for ``sql``."""
        return attrs.asdict(self, filter=lambda _, value: value is not None)


EVERYTHING = Filter()

_COLUMNS = tuple(field.name for field in attrs.fields(StoredMessage))
# SQLite writes the JSON about as fast as it would return the columns, and without the GIL.
JSON = """format(
    '{"version":%d,"time_stamp":%d,"acknowledge_id":%s,"sender":"%s","receiver":"%s",'
    || '"model_object":%s,"data":%s,%s"id":%d,"received":%d,"identity_id":%d,"contact_id":%s}',
    version, time_stamp, json_quote(acknowledge_id), lower(hex(sender)), lower(hex(receiver)),
    json_quote(model_object), data,
    CASE WHEN meta_data IS NULL THEN '' ELSE
        iif(contact_id IS NULL, '"meta_data":', '"announced":') || meta_data || ',' END,
    id, received, identity_id, coalesce(contact_id, 'null'))"""
"""A message as JSON text, with the keys of the REST contract (``/drop``).

The introduction of a stranger is ``meta_data``, and that of a contact ``announced``.
"""

_INSERTED = (*_COLUMNS, "stranger")
_INSERT = "INSERT INTO messages ({}) VALUES ({})".format(
    ", ".join(_INSERTED), ", ".join(f":{name}" for name in _INSERTED)
)

_ID_DIGITS = 19
_FRAME = (
    1
    + _ID_DIGITS
    + len(
        '{"version":,"time_stamp":,"acknowledge_id":,"sender":"","receiver":"","model_object":,'
        '"data":,"id":,"received":,"identity_id":,"contact_id":null}'
    )
)


def json_size(message: NewMessage) -> int:
    """Return the bytes that the JSON text of a stranger's message takes in a list, at most.

    It is known before the message has an id, for which all digits are counted that it may have.
    """
    numbers = (message.version, message.time_stamp, message.received, message.identity_id)
    size = _FRAME + sum(len(str(number)) for number in numbers)
    size += 2 * (len(message.sender) + len(message.receiver))
    size += len(encode(message.acknowledge_id)) + len(encode(message.model_object))
    size += len(message.data)
    if message.meta_data is not None:
        size += len('"meta_data":,') + len(message.meta_data)
    return size


def insert(connection: Connection, number: int, message: NewMessage) -> StoredMessage:
    """Store a message under its number in the journal, within a transaction."""
    values = {name: getattr(message, name) for name in _COLUMNS if name != "id"}
    stored = StoredMessage(id=number, **values)
    values["data"] = message.data.decode()
    values["stranger"] = message.stranger
    if message.meta_data is not None:
        values["meta_data"] = message.meta_data.decode()
    connection.execute(_INSERT, {"id": number, **values})
    return stored
