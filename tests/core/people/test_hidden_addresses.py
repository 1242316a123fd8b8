"""Readers that may not see drop URLs do not see them in messages either."""

import json

import pytest

from qabel.contract.access import EVERYTHING, Access
from qabel.core.people.hidden_addresses import as_seen_by

CARD = '{"alias":"Eve","drop_url":"U","public_key":{"public_key":"5e"},"phone":"P","email":"E"}'
SHOWN = {"alias": "Eve", "public_key": {"public_key": "5e"}}
READER = Access(frozenset({"read"}))
NUMBER = "1" * 300


@pytest.mark.parametrize("name", ["meta_data", "announced"])
def test_where_somebody_is_is_hidden(name: str) -> None:
    """Of an introduction alias and key are left, and the rest of the message is as it was."""
    message = f'{{"data":{{"n":{NUMBER},"x":1.50}},"{name}":{CARD},"id":7}}'
    for text in (message, f"[{message}]"):
        seen = as_seen_by(text.encode(), READER).decode()
        assert f'{{"n":{NUMBER},"x":1.50}}' in seen
        found = json.loads(seen)
        [shown] = found if isinstance(found, list) else [found]
        assert (shown[name], shown["id"]) == (SHOWN, 7)


@pytest.mark.parametrize("access", [EVERYTHING, Access(frozenset({"contacts", "read"}))])
def test_who_may_see_it_sees_it(access: Access) -> None:
    """Those who may see drop URLs of contacts get the same text."""
    text = f'[{{"meta_data":{CARD}}}]'.encode()
    assert as_seen_by(text, access) is text


def test_what_has_no_introduction_is_not_read() -> None:
    """The text of other messages is returned as it is, and what only looks like one stays."""
    text = b'[{"data":{}}]'
    assert as_seen_by(text, READER) is text
    inside = b'[{"data":{"meta_data":{"drop_url":"U"}}}]'
    assert as_seen_by(inside, READER) == inside
