"""What the status says of reading drops."""

from twisted.internet.task import Clock

from qabel.core.receiving.drop_progress import DropProgress
from qabel.core.receiving.drop_traffic import DropTraffic
from qabel.core.receiving.full_readings import OwnedDrop
from qabel.core.status.reading import (
    drops_by_server,
    full_reading_view,
    last_went_back,
    reading_trouble,
)
from qabel.core.status.troubles import TroubleKind
from qabel.core.status.views import FullReadingView
from qabel.drop.transport import Opener
from qabel.store.inbox.seen import Drop
from tests.core.items import drop


def owned(due: float = 5.0, last: int | None = 7, used: int = 0, **progress: object) -> OwnedDrop:
    """Return a drop."""
    traffic = DropTraffic(Clock(), 1000)
    traffic.note(used, full=True)
    state = DropProgress(**progress)
    return OwnedDrop(Drop("x", "me"), Opener([]), "7", due, traffic, state, last)


def test_drops_of_a_server() -> None:
    """Drops are told apart by their servers."""
    first, second = owned(), owned()
    found = drops_by_server({drop(1): first, drop(2): second})
    assert found == {drop(1).server: [first, second]}


def test_all_is_well() -> None:
    """Without failures there is no trouble, and the next full reading is said."""
    drops = [owned(5.0, 7), owned(3.0, 9)]
    assert full_reading_view(drops, 100.0) == FullReadingView(last=7, due=103_000, failed=None)
    assert full_reading_view([owned(last=None), owned()], 0.0).last is None
    assert full_reading_view([], 0.0) == FullReadingView(last=None, due=None, failed=None)
    assert last_went_back(drops) is None
    assert reading_trouble({"http://x": drops}) == []


def test_troubles() -> None:
    """What is wrong is said with the server, and nobody is alerted."""
    drops = [owned(), owned(failed="It broke off."), owned(used=999), owned(is_in_doubt=True)]
    found = reading_trouble({"http://x": drops})
    assert [each.kind for each in found] == [
        TroubleKind.FULL_READING_FAILING,
        TroubleKind.DROP_BANDWIDTH,
        TroubleKind.SERVER_WENT_BACK,
    ]
    assert all("http://x" in each.what and not each.unhealthy for each in found)
    assert {each.subject for each in found} == {"http://x"}
    assert full_reading_view(drops, 0.0).failed == "It broke off."
    assert last_went_back([owned(went_back=8), owned(went_back=9)]) == 9
