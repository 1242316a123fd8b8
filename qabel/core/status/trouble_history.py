"""Since when there is trouble; it is logged once when it begins, and once when it is over."""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from attrs import define, field
from twisted.logger import Logger, LogLevel

from qabel.core.status.durations import duration
from qabel.core.status.troubles import Trouble, TroubleKind
from qabel.host.log_limits import LogLimits

MOST_LINES = 20
"""Troubles of one kind whose begin is logged in a minute."""

OFTEN = 3
"""How often a trouble begins until its further comings and goings are one."""

QUIET = 300.0
"""Seconds for which a trouble that came and went that often has to be gone."""

_Key: TypeAlias = tuple[TroubleKind, str]


@define
class _Story:
    """A trouble that was logged when it began, and may have gone and come back since."""

    what: str
    since: float
    is_logged: bool
    begins: int = 1
    """How often it has begun without a long time in between."""
    ended: float | None = None
    """Since when it is not there."""
    is_over: bool = False
    """Whether its end was logged."""


@define(eq=False)
class TroubleHistory:
    """Remembers what troubles there are.

    One that comes and goes is logged three times; after that it is one trouble, until it has been
    gone for five minutes. Of very many of one kind, as many servers are when this machine is
    offline, only some are logged.

    Args:
        seconds: the clock of the schedule.

    """

    _seconds: Callable[[], float]
    _since: dict[_Key, float] = field(factory=dict, init=False)
    _stories: dict[_Key, _Story] = field(factory=dict, init=False)
    _limits: LogLimits = field(init=False)

    _log = Logger()

    def __attrs_post_init__(self) -> None:
        self._limits = LogLimits(MOST_LINES, self._seconds)

    def note(self, found: Iterable[Trouble]) -> None:
        """Note the troubles that there are now; all others are over."""
        now = self._seconds()
        troubles = {(each.kind, each.subject): each for each in found}
        self._since = {key: self._since.get(key, now) for key in troubles}
        present: dict[_Key, Trouble] = {}
        for trouble in troubles.values():
            present.setdefault((trouble.row.logged_as or trouble.kind, trouble.subject), trouble)
        for key, trouble in present.items():
            self._begin(key, trouble, now)
        for key in self._stories.keys() - present.keys():
            self._end(key, self._stories[key], now)

    def since(self, trouble: Trouble) -> float:
        """Return when a trouble was first noted, in seconds on the clock of the schedule."""
        return self._since.get((trouble.kind, trouble.subject), self._seconds())

    def _begin(self, key: _Key, trouble: Trouble, now: float) -> None:
        story = self._stories.get(key)
        if story is not None and story.ended is None:
            return
        begins = 1 if story is None else story.begins + 1
        if story is not None and not story.is_over:
            story.ended, story.begins = None, begins
            return
        again = "" if begins < OFTEN else " It comes and goes; further times are not logged."
        is_logged = self._write_begin(key, trouble.what + again)
        self._stories[key] = _Story(trouble.what, now, is_logged, begins)

    def _write_begin(self, key: _Key, what: str) -> bool:
        """Log that a trouble has begun, unless very many of its kind have."""
        text = "Trouble: {what}"
        event = {"log_format": text, "log_level": LogLevel.warn, "log_subject": key[0]}
        admitted = self._limits.admit(event)
        if admitted is None:
            return False
        left_out = admitted.get("log_left_out", 0)
        self._log.warn(admitted["log_format"], what=what, log_subject=key, log_left_out=left_out)
        return True

    def _end(self, key: _Key, story: _Story, now: float) -> None:
        """Log that a trouble is over, and forget it when it has been for a while."""
        if story.ended is None:
            story.ended = now
        if not story.is_over and (story.begins < OFTEN or now - story.ended >= QUIET):
            story.is_over = True
            if story.is_logged:
                self._log.info(
                    "Over after {time}: {what}",
                    time=duration(story.ended - story.since),
                    what=story.what,
                    log_subject=key,
                )
        if now - story.ended >= QUIET:
            del self._stories[key]
