"""Messages as JSON: what SQLite writes is what a JSON library would read and write."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qabel.store.database.database import Database
from qabel.store.inbox.message_rows import StoredMessage
from qabel.store.inbox.repository import InboxRepository

NASTY = [
    'quotes " and \\ backslashes',
    "\x00 NUL \x00",
    "".join(map(chr, range(32))),
    "\u2028 and \u2029",
    "\U0001f600 emoji \U0001f469\u200d\U0001f469\u200d\U0001f467",
    "\x7f\x80\u009f\ufeff\uffff",
    "%s %d %% {} ' -- /* ",
    "",
    "0",
]
TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(NASTY)
LONGS = st.integers(-(2**63), 2**63 - 1)


def as_json(message: StoredMessage) -> dict[str, Any]:
    """Return what the JSON object of a message must be."""
    shown: dict[str, Any] = {
        "version": message.version,
        "time_stamp": message.time_stamp,
        "acknowledge_id": message.acknowledge_id,
        "sender": message.sender.hex(),
        "receiver": message.receiver.hex(),
        "model_object": message.model_object,
        "data": json.loads(message.data),
        "id": message.id,
        "received": message.received,
        "identity_id": message.identity_id,
        "contact_id": message.contact_id,
    }
    if message.meta_data is not None:
        name = "meta_data" if message.contact_id is None else "announced"
        shown[name] = json.loads(message.meta_data)
    return shown


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.tuples(TEXTS, TEXTS, TEXTS, TEXTS),
    longs=st.tuples(LONGS, LONGS),
    key=st.binary(min_size=32, max_size=32),
    contact=st.none() | st.integers(0, 2**31),
    has_meta=st.booleans(),
    ascii_only=st.booleans(),
)
def test_json_is_valid_and_equal_in_every_way_of_reading(
    database: Database,
    things: Any,
    got: Any,
    texts: tuple[str, str, str, str],
    longs: tuple[int, int],
    key: bytes,
    contact: int | None,
    has_meta: bool,
    ascii_only: bool,
) -> None:
    """Whatever strings and numbers a stranger sends, the JSON says exactly that."""
    inbox = InboxRepository(database)
    got(inbox.start_reading(things.drop))
    data = json.dumps({texts[0]: texts[1], "n": [1.5, None]}, ensure_ascii=ascii_only).encode()
    message = things.message(
        time_stamp=longs[0],
        received=longs[1],
        sender=key,
        acknowledge_id=texts[2],
        model_object=texts[3],
        data=data,
        meta_data=data if has_meta else None,
        contact_id=contact,
    )
    stored = got(inbox.keep(things.drop, [message], now=1.0)).messages[0]
    expected = as_json(stored)
    before = stored.id - 1
    page = got(inbox.read_page(before, 1))
    assert json.loads(page.body) == [expected]
    assert page.body == b"[" + got(inbox.get_encoded(stored.id)) + b"]"
    assert b"\n" not in page.body or b"\n" in data


def test_an_empty_page(database: Database, got: Any) -> None:
    """Nothing is an empty list, and the cursor stays where it was."""
    page = got(InboxRepository(database).read_page(41, 10))
    assert (page.body, page.count, page.last) == (b"[]", 0, 41)
