"""Keeping secrets out of logs: what an unexpected exception says is not written down.

The text of an exception may quote what was worked on: a message, a key, a URL. Its type and the
lines of code are enough to find a fault; they stay. Nothing here knows Qabel.
"""

from typing import Any

from attrs import frozen
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import implementer

from qabel.host.start_errors import StartError

TOLD = (OSError, StartError)
"""Kinds of exceptions whose texts are known to hold no secrets: names of files and addresses."""

_FAILURES = ("log_failure", "failure")
"""The keys of an event that hold a failure: of today's log calls, and of old ones."""


Kinds = tuple[type[BaseException], ...]


def withhold_texts(*told: type[BaseException]) -> None:
    """Have all logs of this process do without the texts of exceptions; once is enough.

    Args:
        told: further kinds whose texts hold no secrets.

    """
    globalLogPublisher.addObserver(_Withholder(TOLD + told))


def withheld(event: LogEvent, told: Kinds = TOLD) -> LogEvent:
    """Give an event as it may be written down. The event itself is not changed."""
    changed: dict[str, Any] = {
        key: _without_text(event[key])
        for key in _FAILURES
        if isinstance(event.get(key), Failure) and not event[key].check(*told)
    }
    if not changed:
        return event
    if "log_text" in event:
        # Old log calls come with the whole text, the exception's in it.
        failure = next(iter(changed.values()))
        changed["log_text"] = f"{event.get('why') or 'Unhandled Error'}\n{failure.getTraceback()}"
    return {**event, **changed}


@implementer(ILogObserver)
@frozen
class _Withholder:
    """Changes events, for those who observe them afterwards."""

    told: Kinds

    def __call__(self, event: LogEvent) -> None:
        # Observers see one and the same event, in the order in which they were added.
        event.update(withheld(event, self.told))


@implementer(ILogObserver)
class Discreet:
    """An observer that hands events on as they may be written down.

    Args:
        observer: gets them.
        told: further kinds of exceptions whose texts hold no secrets.

    """

    def __init__(self, observer: ILogObserver, *told: type[BaseException]) -> None:
        self._observer = observer
        self._told = TOLD + told

    def __call__(self, event: LogEvent) -> None:
        """Observe one event."""
        self._observer(withheld(event, self._told))


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
