"""Which messages of the inbox and the outbox there are for what conversations show."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from attrs import frozen

from qabel.core.errors import NotFound
from qabel.jsontext import encode
from qabel.modules.chat.numbers import id_of_sent
from qabel.modules.chat.parts import PartialText
from qabel.modules.chat.payloads import ChatPayload, read_payload
from qabel.modules.chat.queries import ChatMessage, Reader, message_of
from qabel.modules.chat.texts import whole_state

_PARTS = """
SELECT message_id, send_id FROM chat_parts WHERE shown IN (SELECT value FROM json_each(?))
"""

_OUT = """
SELECT chat_parts.send_id, state FROM chat_parts JOIN deliveries
ON deliveries.send_id = chat_parts.send_id AND recipient = ? WHERE shown = ? ORDER BY n
"""

_SENT = """
SELECT sends.id, seq, model_object, message, sends.created, state, acknowledged
FROM sends JOIN deliveries ON send_id = sends.id
WHERE sends.id IN (SELECT value FROM json_each(?)) AND recipient = ? ORDER BY sends.id
"""

_DATA = """
SELECT id, model_object, message FROM sends WHERE id IN (SELECT value FROM json_each(?))
"""


@frozen
class Origins:
    """Ids of messages in the inbox, and in the outbox."""

    messages: frozenset[int]
    sends: frozenset[int]


async def origins(read: Reader, shown: Iterable[ChatMessage]) -> Origins:
    """Return what there is of messages that conversations show: of a text, all its parts."""
    given = list(shown)
    ids = encode([each.view.id for each in given]).decode()
    found = [(each.message_id, each.send_id) for each in given]
    return _origins([*found, *await read.rows(_PARTS, (ids,))])


async def failed_sends(read: Reader, shown: ChatMessage, contact: bytes) -> list[int]:
    """Return the ids of the parts that could not be sent; of a single message, its id."""
    rows = await read.rows(_OUT, (contact, shown.view.id))
    if not rows:
        return [] if shown.send_id is None else [shown.send_id]
    return [send_id for send_id, state in rows if state == "failed"]


async def other_parts(read: Reader, shown: ChatMessage, contact: bytes) -> list[int]:
    """Return the ids of the parts of a text that could be sent, or still may be."""
    rows = await read.rows(_OUT, (contact, shown.view.id))
    return [send_id for send_id, state in rows if state != "failed"]


async def sent_as(
    read: Reader, send_ids: Sequence[int], conversation: bytes, contact: bytes
) -> ChatMessage:
    """Return a message that was just sent, whether the module has seen it or not.

    Args:
        read: runs statements.
        send_ids: its id in the outbox; of a text in parts, those of all parts.
        conversation: the id of the conversation.
        contact: the public key of the recipient.

    Raises:
        NotFound: it was deleted since.

    """
    rows = await read.rows(_SENT, (encode(list(send_ids)).decode(), contact))
    if len(rows) < len(send_ids):
        raise NotFound("The message was deleted meanwhile.")
    said, states, times = dict[int, ChatPayload](), dict[int, tuple[str, int | None]](), {}
    for _, _, kind, text, created, state, acknowledged in rows:
        message = msgspec.json.decode(text)
        payload = read_payload(kind, message["data"]) or ChatPayload("")
        n = 1 if payload.part is None else payload.part.n
        said[n], states[n] = payload, (state, acknowledged)
        times[n] = message.get("time_stamp", created)
    [(first, *_), *_], last = rows, rows[-1]
    return message_of(
        id_of_sent(first), last[1], last[0], conversation, "out", times[min(times)], None,
        PartialText(len(said), 0, said).joined.text, None, 0, None, first,
        whole_state(states, max(states)), None,
    )  # fmt: skip


async def sent_data(read: Reader, send_ids: Sequence[int]) -> list[tuple[str, dict[str, Any]]]:
    """Return kind and data of messages that were sent, in this order. Raises NotFound."""
    ids = encode(list(send_ids)).decode()
    rows = {number: rest for number, *rest in await read.rows(_DATA, (ids,))}
    if len(rows) < len(send_ids):
        raise NotFound("The message was deleted meanwhile.")
    return [(rows[each][0], msgspec.json.decode(rows[each][1])["data"]) for each in send_ids]


def _origins(rows: Iterable[Sequence[int | None]]) -> Origins:
    found = list(rows)
    return Origins(
        frozenset(row[0] for row in found if row[0] is not None),
        frozenset(row[1] for row in found if row[1] is not None),
    )
