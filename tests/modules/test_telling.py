"""Which events a module tells."""

from qabel.modules.api import Place
from qabel.modules.telling import BEHIND, Telling
from qabel.store.modules.changes import Told
from qabel.store.modules.progress import Progress

EVENTS = [Told("new", {"id": 1})]


def kinds(telling: Telling, at: int, live: int, last: int, newest: int) -> list[str]:
    """Return the kinds of what is told."""
    told = telling.told(Progress(Place(at), live), Place(last), EVENTS, newest)
    return [each.kind for each in told]


def test_news_have_the_name_of_the_module() -> None:
    """What comes now is told under the name of the module."""
    assert kinds(Telling("notes"), 5, 5, 6, 6) == ["notes.new"]


def test_old_entries_end_with_one_event() -> None:
    """Nothing is told of what was there before; at its end there is one event."""
    telling = Telling("notes")
    assert kinds(telling, 0, 9, 5, 20) == []
    assert kinds(telling, 5, 9, 9, 20) == ["module.rebuilt"]
    assert kinds(telling, 9, 9, 10, 20) == ["notes.new"]


def test_being_behind_is_told_once() -> None:
    """Until the module has caught up."""
    telling = Telling("notes")
    assert kinds(telling, 0, 0, 1, 1 + BEHIND) == ["module.behind"]
    assert kinds(telling, 1, 0, 2, 2 + BEHIND) == []
    assert kinds(telling, 2, 0, 3, 4) == ["notes.new"]
    assert kinds(telling, 3, 0, 4, 4 + BEHIND) == ["module.behind"]
