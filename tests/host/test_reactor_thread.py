"""The reactor in a thread: each program in a process of its own, since a reactor runs once."""

import os
import subprocess
import sys
import textwrap

from tests.integration.processes import ROOT

DEADLINE = 60.0
"""Seconds that a program may take, on a busy machine."""

BEGINNING = """
import threading, time
from twisted.internet.defer import Deferred
from qabel.host.reactor_calls import CallTimeout, EmbedError, Stopped
from qabel.host.reactor_thread import ReactorThread

def raised(kind, function, *arguments, **named):
    try:
        function(*arguments, **named)
    except kind as error:
        assert type(error) is kind, repr(error)
        return str(error)
    raise AssertionError(f"there was no {kind.__name__}")

"""


def run(source: str) -> str:
    """Run a program, check that it ends well and in time, and return its output."""
    done = subprocess.run(
        [sys.executable, "-c", BEGINNING + textwrap.dedent(source)],
        cwd=ROOT,
        env=dict(os.environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_calls() -> None:
    """Calls run in the one thread, return or raise what the function does, and can be awaited."""
    out = run("""
        thread = ReactorThread.get()
        assert ReactorThread.get() is thread and thread.is_running
        print(thread.call(lambda: threading.current_thread().name, 30))

        async def later():
            deferred = Deferred()
            thread.reactor.callLater(0.01, deferred.callback, "awaited")
            return await deferred

        print(thread.call(later, None))
        print(raised(ZeroDivisionError, thread.call, lambda: 1 / 0, 30))
        posted = threading.Event()
        thread.post(posted.set)
        print(posted.wait(30))
    """)
    assert out.splitlines() == ["qabel-reactor", "awaited", "division by zero", "True"]


def test_timeouts() -> None:
    """A call that takes too long is cancelled, unless it is to go on; its group forgets it."""
    out = run("""
        thread, cancelled, group = ReactorThread.get(), [], set()
        endless = Deferred(cancelled.append)
        print(raised(CallTimeout, thread.call, lambda: endless, 0.05, group=group))
        print(thread.call(lambda: (len(cancelled), len(group)), 30))
        work = Deferred(cancelled.append)
        print(raised(CallTimeout, thread.call, lambda: work, 0.05, group=group, cancel=False))
        print(thread.call(lambda: (len(cancelled), len(group)), 30))
        thread.call(lambda: work.callback(None), 30)
        print(thread.call(lambda: len(group), 30))
    """)
    assert out.splitlines() == [
        "The call took longer than 0.05 seconds.",
        "(1, 0)",
        "The call got no answer within 0.05 seconds.",
        "(1, 1)",
        "0",
    ]


def test_the_end_with_the_program() -> None:
    """When the main thread ends, the reactor stops after what has to be closed."""
    out = run("""
        thread = ReactorThread.get()

        def close():
            deferred = Deferred()
            thread.reactor.callLater(0.05, deferred.callback, None)
            return deferred.addCallback(lambda _: print("closed", flush=True))

        thread.call(lambda: thread.at_end.add(close), 30)
        print("main ends", flush=True)
    """)
    assert out.splitlines() == ["main ends", "closed"]


def test_a_reactor_that_was_stopped() -> None:
    """A call that runs while the reactor stops fails, and so do all later ones."""
    out = run("""
        thread = ReactorThread.get()
        def stop():
            thread.reactor.callLater(0, thread.reactor.stop)
            return Deferred()
        print(raised(Stopped, thread.call, stop, None))
        print(raised(Stopped, thread.call, lambda: 1, None), thread.is_running)
        print(raised(Stopped, ReactorThread.get))
        thread.post(lambda: print("never"))
    """)
    assert out.splitlines() == [
        "The reactor was stopped before the call was done.",
        "The reactor was stopped; it cannot be started again in this process. False",
        "The reactor was stopped; it cannot be started again in this process.",
    ]


def test_where_calls_cannot_be_made() -> None:
    """Neither the reactor's own thread nor a forked process can wait for the reactor."""
    out = run("""
        import os, warnings
        # Python warns of what is tried here.
        warnings.simplefilter("ignore", DeprecationWarning)
        thread = ReactorThread.get()
        print(thread.call(lambda: raised(EmbedError, thread.call, lambda: 1, 1), 30), flush=True)
        child = os.fork()
        if child == 0:
            print(raised(EmbedError, thread.call, lambda: 1, 1)[:26], thread.is_running, flush=True)
            os._exit(0)
        os.waitpid(child, 0)
    """)
    assert out.splitlines() == [
        "This is the reactor's own thread; use the core directly.",
        "This process was forked fr False",
    ]


def test_an_application_with_a_reactor_of_its_own() -> None:
    """Where the application runs the reactor, no thread is started."""
    out = run("""
        from twisted.internet import reactor
        def look():
            print(raised(EmbedError, ReactorThread.get), threading.active_count())
            reactor.stop()
        reactor.callWhenRunning(look)
        reactor.run()
    """)
    assert out.splitlines() == ["This application runs the reactor itself; use make_service. 1"]


def test_logs_go_to_logging_without_secrets() -> None:
    """What Twisted logs goes to Python's logging; the texts of exceptions do not."""
    out = run("""
        import logging, sys
        logging.basicConfig(stream=sys.stdout, level=logging.INFO)
        from twisted.logger import Logger
        thread = ReactorThread.get()
        def log():
            try:
                # Some versions of Python show this line, which has not what is secret.
                raise ValueError("sec" + "ret")
            except ValueError:
                Logger().failure("it failed")
        thread.call(log, 30)
    """)
    assert "CRITICAL:qabel:it failed" in out
    assert "ValueError" in out
    assert "secret" not in out.replace("as it may contain secrets", "")
