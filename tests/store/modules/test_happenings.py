"""Entries that are no messages."""

import pytest

from qabel.store.modules.happenings import Heard, PeopleChanged, SettingsChanged, happening
from qabel.store.modules.places import Place

AT = Place(7)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("synced", PeopleChanged(place=AT)),
        ("settings", SettingsChanged(place=AT)),
        ("damage", None),
    ],
)
def test_changes(kind: str, expected: object) -> None:
    """A change is told apart by what has changed; what is of no use to modules is left out."""
    assert happening(AT, kind, None, None, None, 5, None, b"{}") == expected


def test_events_of_modules() -> None:
    """An event has its time, the identity that it is about, and its detail."""
    found = happening(AT, "chat.unread", 2, bytes(32), None, 5, None, b'{"id":1}')
    assert isinstance(found, Heard)
    assert (found.kind, found.time, found.identity_id, found.identity) == (
        "chat.unread",
        5,
        2,
        bytes(32),
    )
    assert found.detail == {"id": 1}
    assert '"id"' not in repr(found)
