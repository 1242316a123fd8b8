"""What the status says of reading drops: full readings, bandwidth, servers that went back."""

from collections.abc import Iterable, Mapping, Sequence

from qabel.core.receiving.full_readings import OwnedDrop
from qabel.core.status.troubles import Trouble, TroubleKind
from qabel.core.status.views import FullReadingView
from qabel.drop.url import DropURL


def drops_by_server(drops: Mapping[DropURL, OwnedDrop]) -> dict[str, list[OwnedDrop]]:
    """Return drops by the URLs of their servers."""
    found: dict[str, list[OwnedDrop]] = {}
    for url, drop in drops.items():
        found.setdefault(url.server, []).append(drop)
    return found


def full_reading_view(drops: Sequence[OwnedDrop], wall_minus_clock: float) -> FullReadingView:
    """Return the state of the full readings of a server.

    Args:
        drops: those of its drops that were read since the start.
        wall_minus_clock: the seconds between the clock of the schedule and the time since the
            epoch.

    """
    last = [each.last_full for each in drops]
    due = min((each.full_due for each in drops), default=None)
    return FullReadingView(
        last=None if None in last else min((each for each in last if each), default=None),
        due=None if due is None else int((due + wall_minus_clock) * 1000),
        failed=next((each.progress.failed for each in drops if each.progress.failed), None),
    )


def last_went_back(drops: Iterable[OwnedDrop]) -> int | None:
    """Return when a server was last seen to have fewer messages than before; None for never."""
    return max((each.progress.went_back or 0 for each in drops), default=0) or None


def reading_trouble(by_server: Mapping[str, Sequence[OwnedDrop]]) -> list[Trouble]:
    """Return the problems with reading drops of servers that respond."""
    found = []
    for server, drops in by_server.items():
        failed = [each.progress.failed for each in drops if each.progress.failed is not None]
        if failed:
            what = f"{_drops(len(failed))} on {server} could not be read in full: {failed[0]}"
            found.append(Trouble(TroubleKind.FULL_READING_FAILING, what, server))
        waiting = sum(each.traffic.is_used_up for each in drops)
        if waiting:
            what = (
                f"Reading {_drops(waiting)} on {server} has used up the bandwidth for this hour; "
                "it goes on later (--drop-bandwidth)."
            )
            found.append(Trouble(TroubleKind.DROP_BANDWIDTH, what, server))
        if any(each.progress.is_in_doubt for each in drops):
            what = f"{server} has fewer messages than before; its drops are read in full."
            found.append(Trouble(TroubleKind.SERVER_WENT_BACK, what, server))
    return found


def _drops(count: int) -> str:
    return "1 drop" if count == 1 else f"{count} drops"
