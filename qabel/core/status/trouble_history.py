"""Since when there is trouble; it is logged once when it begins, and once when it is over."""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from attrs import define, field, frozen
from twisted.logger import Logger

from qabel.core.status.durations import duration
from qabel.core.status.troubles import Trouble, TroubleKind

_Key: TypeAlias = tuple[TroubleKind, str]


@frozen
class _Logged:
    """A trouble that was logged when it began."""

    what: str
    since: float


@define(eq=False)
class TroubleHistory:
    """Remembers what troubles there are.

    Args:
        seconds: the clock of the schedule.

    """

    _seconds: Callable[[], float]
    _since: dict[_Key, float] = field(factory=dict, init=False)
    _logged: dict[_Key, _Logged] = field(factory=dict, init=False)

    _log = Logger()

    def note(self, found: Iterable[Trouble]) -> None:
        """Note the troubles that there are now; all others are over."""
        now = self._seconds()
        troubles = {(each.kind, each.subject): each for each in found}
        self._since = {key: self._since.get(key, now) for key in troubles}
        present: dict[_Key, Trouble] = {}
        for trouble in troubles.values():
            present.setdefault((trouble.row.logged_as or trouble.kind, trouble.subject), trouble)
        for key, trouble in present.items():
            if key not in self._logged:
                self._logged[key] = _Logged(trouble.what, now)
                self._log.warn("Trouble: {what}", what=trouble.what, log_subject=key)
        for key in self._logged.keys() - present.keys():
            self._end(key, self._logged.pop(key), now)

    def since(self, trouble: Trouble) -> float:
        """Return when a trouble was first noted, in seconds on the clock of the schedule."""
        return self._since.get((trouble.kind, trouble.subject), self._seconds())

    def _end(self, key: _Key, logged: _Logged, now: float) -> None:
        self._log.info(
            "Over after {time}: {what}",
            time=duration(now - logged.since),
            what=logged.what,
            log_subject=key,
        )
