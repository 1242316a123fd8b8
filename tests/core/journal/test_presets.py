"""Presets of webhooks."""

from qabel.core.journal.kinds import EVENT_KIND
from qabel.core.journal.presets import CALLS, KINDS, PRESETS


def test_nothing_is_told() -> None:
    """A call is the same each time, and has no header of ours that could tell more."""
    assert tuple(CALLS) == PRESETS
    for call in CALLS.values():
        assert call.body == b"New message"
        assert not [name for name in call.headers if name.lower().startswith("x-qabel")]


def test_kinds() -> None:
    """What is delivered is a kind of events."""
    assert [EVENT_KIND.read(each) for each in KINDS] == list(KINDS)
