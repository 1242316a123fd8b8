"""A received message as clients see it: equal in every way of reading, whatever is in it."""

import json
from secrets import token_bytes
from typing import Any

import msgspec
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from qabel.core.inbox.views import MessageView
from qabel.core.journal.webhooks import UndeliveredView
from qabel.core.receiving.classify import classify
from qabel.crypto import PrivateKey
from qabel.deferreds import result_of
from qabel.drop.message import InvalidDropMessage, decode
from qabel.drop.multipart import Part
from qabel.drop.transport import Opened
from qabel.settings.synced import SYNCED
from qabel.store.database.database import Database
from qabel.store.inbox.repository import InboxRepository
from qabel.store.inbox.seen import Drop
from qabel.store.journal.entries import JournalEntries
from tests.odd_numbers import NUMBERS

STRANGER = PrivateKey(b"\5" * 32)
OWNER = PrivateKey(b"\6" * 32)
DROP = Drop("http://localhost/" + "a" * 43, "owners")
SYNCED_SETTINGS = SYNCED.parse(
    {"identities": [{"id": 1, "alias": "", "keys": {"private_key": OWNER.hex}, "drops": []}]},
    now=1,
)
NINES = f'{{"a":{"9" * 300}}}'
TEXTS = st.text() | st.sampled_from(['"', "\\", "\0", "\ud800", "\u2028", "\ufeff", "%s", "\r\n"])
LITERALS = (
    st.sampled_from([*NUMBERS, "1e400", "9" * 301, "9" * 400, "NaN", "01"])
    | st.integers().map(str)
    | st.floats(allow_nan=False).map(repr)
    | TEXTS.map(json.dumps)
    | TEXTS.map(lambda text: json.dumps(text, ensure_ascii=False))
)
NAMES = TEXTS.map(json.dumps) | st.sampled_from(['"a"', '"\\u0061"'])
VALUES = st.recursive(
    LITERALS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]")
        | st.lists(st.tuples(NAMES, inner), max_size=3).map(
            lambda pairs: "{" + ",".join(f"{name}: {value}" for name, value in pairs) + "}"
        )
    ),
    max_leaves=8,
)
OBJECTS = VALUES.filter(lambda text: text.startswith("{")) | VALUES.map(
    lambda text: f'{{"a":{text}}}'
)


def without_time(entry: dict[str, Any]) -> dict[str, Any]:
    """Return an entry of the journal without what was added to the message."""
    assert entry.pop("time") == 1000
    return entry


def text_of(data: str, kind: str, mark: str, more: str, *, is_documented: bool) -> bytes:
    """Return the text of a message from the stranger, from the JSON texts of its members."""
    if is_documented:
        members = {"data": data, "model_object": kind}
    else:
        members = {"drop_payload": json.dumps(data), "drop_payload_type": kind}
    members |= {
        "version": "1",
        "time_stamp": "1476281471123",
        "sender": json.dumps(STRANGER.public_key.hex),
        "acknowledge_id": mark,
        "x": more,
    }
    text = ",".join(f'"{name}":{value}' for name, value in members.items())
    return ("{" + text + "}").encode(errors="surrogatepass")


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=VALUES | OBJECTS, kind=LITERALS, mark=LITERALS, more=VALUES, is_documented=st.booleans()
)
@example(NINES, '"\\u0000x"', '"\\u0000"', "1", True)
@example(NINES, '"\\u0000x"', '"\\u0000"', "1", False)
@example('{"\\u0000":"\\u0000"}', '"\u2028"', '"%s"', '{"a":1,"a":2}', True)
@example("{{{" + "9" * 1000, '"x"', '"0"', "null", False)
def test_what_is_taken_is_given_back(
    database: Database, data: str, kind: str, mark: str, more: str, is_documented: bool
) -> None:
    """A message that is accepted is equal in every way of reading, and by every parser."""
    try:
        message = decode(text_of(data, kind, mark, more, is_documented=is_documented))
    except InvalidDropMessage:
        return
    opened = Opened(OWNER.public_key, message)
    found = classify({token_bytes(16): Part(b"")}, [opened], SYNCED_SETTINGS, 1.0)
    inbox = InboxRepository(database)
    for each in found.messages:
        [stored] = result_of(inbox.keep(DROP, [each], now=1.0)).messages
        after = stored.id - 1
        single = result_of(inbox.get_encoded(stored.id))
        page = result_of(inbox.read_page(after, 10)).body
        [entry] = result_of(JournalEntries(database).read(after, 10))
        view = msgspec.json.decode(single, type=MessageView)
        listed = UndeliveredView("0.1", "drop", "", 1, msgspec.Raw(entry.data))
        undated = entry.data.replace(b'"time":1000,', b"", 1)
        values = [
            json.loads(single),
            *json.loads(page),
            json.loads(undated),
            msgspec.json.decode(msgspec.json.encode(view)),
            without_time(msgspec.json.decode(msgspec.json.encode(listed))["body"]),
        ]
        assert all(repr(value) == repr(values[0]) for value in values)
        assert values[0]["data"] == json.loads(message.data)
        assert (view.model_object, view.acknowledge_id) == (
            message.model_object,
            message.acknowledge_id,
        )
        assert b"\n" not in entry.data
        assert b"\r" not in entry.data
        result_of(inbox.delete(stored.id, now=1.0))
