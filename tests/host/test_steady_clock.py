"""The steady clock: timers run on when the time of day jumps."""

import subprocess
import sys


def python(code: str) -> "subprocess.CompletedProcess[str]":
    """Run code in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False
    )


JUMP = """
import time
from twisted.internet import reactor
from qabel.host.steady_clock import use_steady_clock

offset = 0.0
reactor.seconds = lambda: time.time() + offset   # the time of day, which can be set
ran = []
reactor.callLater(0.05, ran.append, "set before")
{steady}

def jump():
    global offset
    offset = -3600.0
    reactor.callLater(0.05, ran.append, "set after")
    reactor.callLater(0.1, reactor.stop)

reactor.callWhenRunning(jump)
from threading import Timer
timer = Timer({deadline}, lambda: reactor.callFromThread(reactor.stop))
timer.daemon = True
timer.start()
reactor.run()
print(ran)
"""


def test_timers_run_on_when_the_clock_is_set_back() -> None:
    """With the steady clock the real reactor's timers run, though the time of day jumps back."""
    steady = JUMP.format(steady="use_steady_clock(reactor); use_steady_clock(reactor)", deadline=20)
    assert python(steady).stdout == "['set before', 'set after']\n"


def test_timers_stand_still_without_the_steady_clock() -> None:
    """Without it a timer set before the jump waits an hour: this is what it is for."""
    assert "set before" not in python(JUMP.format(steady="", deadline=0.5)).stdout
