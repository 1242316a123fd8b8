"""The thread on which modules work."""

from threading import Event, current_thread

import pytest
import pytest_twisted
from twisted.internet import reactor

from qabel.modules.module_thread import ModuleThread


@pytest_twisted.ensureDeferred
async def test_work_is_done_on_another_thread() -> None:
    """Results come back, and so do errors."""
    thread = ModuleThread(reactor)
    assert await thread.run(lambda: current_thread().name) == "modules"
    with pytest.raises(ZeroDivisionError):
        await thread.run(lambda: 1 // 0)
    thread.leave()


@pytest_twisted.ensureDeferred
async def test_one_that_hangs_is_left() -> None:
    """The others work on, on a thread of their own."""
    thread, go = ModuleThread(reactor), Event()
    hanging = thread.run(go.wait)
    thread.leave()
    assert await thread.run(lambda: 5) == 5
    go.set()
    assert await hanging
    thread.leave()
    thread.leave()
