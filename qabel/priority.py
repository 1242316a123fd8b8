"""Who goes first when there is more to do than processors for it: whoever answers the user.

The system is asked, and may decline: everything only takes a little longer to be answered then.
"""

import os
import sys
import threading
from contextlib import suppress

THREAD_NICENESS = 5
"""How far behind the reactor's thread others stand; 5 is a third of its share."""

PROCESS_NICENESS = 10


def hand_on_quickly() -> None:
    """Have a thread that wants Python's lock wait for it half a millisecond at most, instead of 5.

    It is the reactor's that wants it, when others sort messages: each of their turns is a time in
    which nobody is answered.
    """
    sys.setswitchinterval(0.0005)


def give_way_as_process() -> None:
    """Let whatever else the daemon, and what was started with it, has to do go first.

    Other programs wait for nothing of it: the system shares the processors between services, and
    between sessions, before it looks at such differences within them.
    """
    with suppress(OSError):  # a service manager may forbid even that
        os.nice(PROCESS_NICENESS)
    if sys.platform == "linux":
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def give_way_for_a_moment() -> None:
    """Have the system look at once who else could go on, and not at its next tick.

    Ticks are 4 ms apart, and even a process of the class that gets only what nobody else wants is
    given one when the others have had their share.
    """
    if sys.platform != "win32":
        os.sched_yield()


class GivingWay(threading.Thread):
    """A thread that lets the reactor's go first, if both could go on.

    Only Linux tells the threads of a process apart. They cannot go back to what they were.
    """

    def run(self) -> None:
        """Do what it was made for."""
        if sys.platform == "linux":
            # From where the process stands: it may have been started behind others itself.
            niceness = os.getpriority(os.PRIO_PROCESS, os.getpid()) + THREAD_NICENESS
            with suppress(OSError):  # a service manager may forbid it
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
        super().run()
