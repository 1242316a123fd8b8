"""Limits on the log: what others can provoke at will must not fill the disk.

Lines of the same kind, from the same statement, are written a few times a minute; the next one that
is written says how many were left out. Nothing here knows Qabel.
"""

import time
from collections.abc import Callable, Hashable
from typing import Any

from attrs import define, field, frozen
from twisted.logger import (
    ILogObserver,
    LogEvent,
    Logger,
    LogLevel,
    globalLogPublisher,
)
from twisted.python.failure import Failure
from zope.interface import implementer

PERIOD = 60.0
"""Seconds for which lines are counted."""

MOST_LINES = 20
"""Lines of a kind in that time, if they only inform."""

MOST_PROBLEMS = 3
"""Warnings and errors of a kind in that time."""

MOST_KINDS = 1000
"""Kinds that are counted separately; all further ones count as one."""

_LEFT_OUT = " (similar lines left out: {log_left_out})"


@define
class _LineKind:
    """The lines of one kind."""

    since: float
    """When the counting began, in seconds."""
    most: int
    written: int = 0
    left_out: int = 0


@define(eq=False)
class LogLimits:
    """Decides which events are written.

    Args:
        most: lines of a kind in each minute; None for the defaults. After a minute with more, there
            is one line in each minute, until they are fewer again.
        seconds: a steady clock.

    """

    _most: int | None = None
    _seconds: Callable[[], float] = time.monotonic
    _kinds: dict[Hashable, _LineKind] = field(factory=dict, init=False)

    def admit(self, event: LogEvent) -> LogEvent | None:
        """Return an event as it is to be written, or None if it is left out.

        The event itself is not changed.
        """
        kind = self._kind(event)
        if kind.written >= kind.most:
            kind.left_out += 1
            return None
        kind.written += 1
        left_out, kind.left_out = kind.left_out, 0
        if not left_out:
            return event
        text = event.get("log_format") or ""
        return {**event, "log_format": text + _LEFT_OUT, "log_left_out": left_out}

    def _kind(self, event: LogEvent) -> _LineKind:
        key, now = _key(event), self._seconds()
        if key not in self._kinds and len(self._kinds) >= MOST_KINDS:
            key = None
        kind = self._kinds.get(key)
        if kind is None:
            kind = self._kinds[key] = _LineKind(now, self._limit(event))
        elif now - kind.since >= PERIOD:
            kind.since, kind.written = now, 0
            kind.most = 1 if kind.left_out else self._limit(event)
        return kind

    def _limit(self, event: LogEvent) -> int:
        if self._most is not None:
            return self._most
        level = event.get("log_level") or LogLevel.info
        return MOST_PROBLEMS if level >= LogLevel.warn else MOST_LINES


@define(eq=False)
class RareLog:
    """A log for what strangers and servers can provoke: one line of a kind in a minute.

    Args:
        log: where the lines go.
        seconds: a steady clock.

    """

    _log: Logger
    _seconds: Callable[[], float]
    _limits: LogLimits = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._limits = LogLimits(1, self._seconds)

    def warn(self, text: str, **values: Any) -> None:
        """Log a warning, unless there was one with the same ``text`` within a minute.

        Args:
            text: the line, with names of values in braces.
            values: the values.

        """
        event = {"log_format": text, "log_level": LogLevel.warn, **values}
        admitted = self._limits.admit(event)
        if admitted is not None:
            given = {name: admitted[name] for name in (*values, "log_left_out") if name in admitted}
            self._log.emit(LogLevel.warn, admitted["log_format"], **given)


def limit_logs() -> None:
    """Limit all logs of this process."""
    globalLogPublisher.addObserver(_Eraser(LogLimits()))


@implementer(ILogObserver)
@frozen(eq=False)
class LimitedObserver:
    """Passes events on to another observer, but for those that are left out."""

    _observer: ILogObserver
    _limits: LogLimits = field(factory=LogLimits)

    def __call__(self, event: LogEvent) -> None:
        """Observe one event."""
        admitted = self._limits.admit(event)
        if admitted is not None:
            self._observer(admitted)


@implementer(ILogObserver)
@frozen(eq=False)
class _Eraser:
    """Erases events that are left out, for the observers that come after it."""

    _limits: LogLimits

    def __call__(self, event: LogEvent) -> None:
        # Observers get the same event object, in the order in which they were added. They write no
        # event without a text.
        admitted = self._limits.admit(event)
        if admitted is not None:
            event.update(admitted)
            return
        for key in ("log_failure", "failure", "log_text", "isError"):
            event.pop(key, None)
        event["log_format"] = ""


def _key(event: LogEvent) -> Hashable:
    """Return what tells kinds of events apart: little more than the code has statements.

    Events of one statement can be about different subjects, which it names in ``log_subject``.
    """
    failure = event.get("log_failure") or event.get("failure")
    place: Hashable = None
    if isinstance(failure, Failure):
        frame = failure.frames[-1][:3] if failure.frames else None
        place = (failure.type, None if frame is None else tuple(map(str, frame)))
    level = event.get("log_level")
    return (
        event.get("log_namespace"),
        level,
        event.get("log_format"),
        event.get("log_subject"),
        place,
    )
