"""Deleting many messages at once."""

import pytest

from qabel.store import pace
from tests.core.conftest import ClockedWorld


def test_what_a_restart_interrupted(clocked: ClockedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was noted is deleted by whoever goes on, and the count of messages follows."""
    monkeypatch.setattr(pace, "FIRST", 2)
    monkeypatch.setattr(pace, "MOST", 2)
    alice, bob = clocked.run(clocked.friends())
    for number in range(5):
        clocked.run(clocked.say(alice, str(number)))
    ids = [each["id"] for each in clocked.run(clocked.heard(bob))]
    clocked.run(bob.deleting._repository.note(ids[:3], []))
    while clocked.run(bob.deleting.delete_some()):
        continue
    assert bob.inbox.messages == 2
    clocked.run(bob.deleting.delete([*ids, 999_999], [7]))
    assert bob.inbox.messages == 0
    assert clocked.run(clocked.heard(bob, consumer="other")) == []
