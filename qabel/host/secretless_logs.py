"""Keeping secrets out of logs: the texts of unexpected exceptions are not written.

The text of an exception may quote what was being processed: a message, a key, a URL. Its type and
the lines of code stay; they are enough to find a defect. Nothing here knows Qabel.
"""

from typing import Any

from attrs import frozen
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import implementer

from qabel.host.start_errors import StartError

HARMLESS = (OSError, StartError)
"""Exceptions whose texts are known to hold no secrets: names of files, and addresses."""

_FAILURES = ("log_failure", "failure")
"""The keys of an event that hold a failure: of current log calls, and of legacy ones."""

Kinds = tuple[type[BaseException], ...]


def withhold_texts(*harmless: type[BaseException]) -> None:
    """Remove the texts of exceptions from all logs of this process; to be called once.

    Args:
        harmless: further exceptions whose texts hold no secrets.

    """
    globalLogPublisher.addObserver(_Withholder(HARMLESS + harmless))


def without_secrets(event: LogEvent, harmless: Kinds = HARMLESS) -> LogEvent:
    """Return an event as it may be written. The event itself is not changed."""
    changed: dict[str, Any] = {
        key: _without_text(event[key])
        for key in _FAILURES
        if isinstance(event.get(key), Failure) and not event[key].check(*harmless)
    }
    if not changed:
        return event
    if "log_text" in event:
        # Legacy log calls come with the whole text, including the exception's.
        failure = next(iter(changed.values()))
        changed["log_text"] = f"{event.get('why') or 'Unhandled Error'}\n{failure.getTraceback()}"
    return {**event, **changed}


@implementer(ILogObserver)
@frozen
class _Withholder:
    """Changes events for the observers that come after it."""

    harmless: Kinds

    def __call__(self, event: LogEvent) -> None:
        # Observers get the same event object, in the order in which they were added.
        event.update(without_secrets(event, self.harmless))


@implementer(ILogObserver)
@frozen
class SecretlessObserver:
    """Passes events on to another observer, as they may be written."""

    _observer: ILogObserver

    def __call__(self, event: LogEvent) -> None:
        """Observe one event."""
        self._observer(without_secrets(event))


class _Withheld(Exception):
    """Takes the place of an exception in a failure that is written."""

    def __str__(self) -> str:
        return "(text withheld, as it may contain secrets)"


def _without_text(failure: Failure) -> Failure:
    kind = type(failure.value)
    copy = Failure.__new__(Failure)
    copy.__dict__.update(failure.__dict__)
    # Python's own logging uses the exception alone, and should name its type too.
    copy.value = type(kind.__name__, (_Withheld,), {"__module__": kind.__module__})()
    return copy
