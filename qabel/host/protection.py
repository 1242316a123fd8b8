"""Closing a process to others: for those that hold keys. It needs nothing but Python."""

import ctypes
import os
import resource
import sys

_PR_SET_DUMPABLE = 4
"""From ``linux/prctl.h``."""


def protect_process() -> None:
    """Have this process leave nothing of its memory behind, and no file that others may read.

    No core dump is written of it. On Linux it is moreover closed to debuggers of the same user,
    and its entries under ``/proc`` belong to root: other processes of the user can read neither
    its memory nor its environment there. Programs that it runs have to do the same for themselves.
    """
    os.umask(0o077)
    # The hard limit too, so that nothing raises it again. A service manager that has done so may
    # forbid to set any.
    if resource.getrlimit(resource.RLIMIT_CORE) != (0, 0):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        # Where the system pipes core dumps to a program, the limit does not count.
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
