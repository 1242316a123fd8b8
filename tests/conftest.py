"""What every test gets: logged failures fail it, and it leaves no timers behind."""

import gc
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from twisted.internet import reactor
from twisted.logger import LogEvent, LogLevel, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from tests import scheduling
from tests.mounts import keep_mounts_private

# An example that takes long says something about the machine, not about the code.
hypothesis.settings.register_profile("qabel", deadline=None)
hypothesis.settings.load_profile("qabel")

SLOW = ("torture", "browser", "hints", "anonymity", "bench", "integration", "packaging", "modules")
"""Directories whose tests take long: they come first, so that none is left for the end."""


def pytest_configure(config: pytest.Config) -> None:
    """Have nothing mounted that outlives a run, however that ends."""
    keep_mounts_private()
    config.pluginmanager.register(scheduling)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bring tests that take long to the front: several processes share the files in this order."""
    own = Path(__file__).parent

    def rank(item: pytest.Item) -> int:
        parts = item.path.relative_to(own).parts if item.path.is_relative_to(own) else ("",)
        return SLOW.index(parts[0]) if parts[0] in SLOW else len(SLOW)

    items.sort(key=rank)


class LoggedFailures:
    """The failures logged during one test, which fail it unless the test takes them away."""

    def __init__(self) -> None:
        self.events: list[LogEvent] = []

    def __call__(self, event: LogEvent) -> None:
        """Observe one log event."""
        if event.get("log_level") in (LogLevel.error, LogLevel.critical) or "log_failure" in event:
            self.events.append(event)

    def flush(self) -> list[LogEvent]:
        """Take what was logged so far: these were expected."""
        events, self.events = self.events, []
        return events


@pytest.fixture(autouse=True)
def logged_failures(request: pytest.FixtureRequest) -> Iterator[LoggedFailures]:
    """Fail the test if anything logs an error, or a timer of the real reactor is left behind.

    A test that expects a logged failure calls ``logged_failures.flush()``. Trial's own test cases
    look after themselves.
    """
    observer = LoggedFailures()
    if request.cls is not None and issubclass(request.cls, SynchronousTestCase):
        yield observer
        return
    globalLogPublisher.addObserver(observer)
    before = set(map(id, reactor.getDelayedCalls()))  # type: ignore[attr-defined]
    yield observer
    gc.collect(1)
    globalLogPublisher.removeObserver(observer)
    left = [call for call in reactor.getDelayedCalls() if id(call) not in before]  # type: ignore[attr-defined]
    for call in left:
        call.cancel()
    assert not observer.events, (
        f"logged: {[event.get('log_failure') or event for event in observer.events]}"
    )
    assert not left, f"timers left behind: {left}"
