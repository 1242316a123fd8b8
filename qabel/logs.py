"""Keeping secrets out of logs: what an unexpected exception says is not written down.

The text of an exception may quote what was worked on: a message, a key, a URL. Its type and the
lines of code are enough to find a fault; they stay. Nothing here knows Qabel.
"""

from typing import Any

from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import implementer, provider

from qabel.process import StartError

TOLD: tuple[type[BaseException], ...] = (OSError, StartError)
"""Kinds of exceptions whose texts are known to hold no secrets: names of files and addresses."""

_FAILURES = ("log_failure", "failure")
"""The keys of an event that hold a failure: of today's log calls, and of old ones."""


def withhold_texts() -> None:
    """Have all logs of this process do without the texts of exceptions; once is enough."""
    globalLogPublisher.addObserver(_withhold)


def withheld(event: LogEvent) -> LogEvent:
    """Give an event as it may be written down. The event itself is not changed."""
    changed: dict[str, Any] = {
        key: _without_text(event[key])
        for key in _FAILURES
        if isinstance(event.get(key), Failure) and not event[key].check(*TOLD)
    }
    if not changed:
        return event
    if "log_text" in event:
        # Old log calls come with the whole text, the exception's in it.
        failure = next(iter(changed.values()))
        changed["log_text"] = f"{event.get('why') or 'Unhandled Error'}\n{failure.getTraceback()}"
    return {**event, **changed}


@implementer(ILogObserver)
class Discreet:
    """An observer that hands events on as they may be written down."""

    def __init__(self, observer: ILogObserver) -> None:
        self._observer = observer

    def __call__(self, event: LogEvent) -> None:
        """Observe one event."""
        self._observer(withheld(event))


@provider(ILogObserver)
def _withhold(event: LogEvent) -> None:
    # Observers see one and the same event, in the order in which they were added.
    event.update(withheld(event))


class _Withheld(Exception):
    """Stands for an exception in what is written of a failure."""

    def __str__(self) -> str:
        return "(its text is withheld, for it may hold secrets)"


def _without_text(failure: Failure) -> Failure:
    kind = type(failure.value)
    copy = Failure.__new__(Failure)
    copy.__dict__.update(failure.__dict__)
    # Python's own logging goes by the exception alone, and is to name its type too.
    copy.value = type(kind.__name__, (_Withheld,), {"__module__": kind.__module__})()
    return copy
