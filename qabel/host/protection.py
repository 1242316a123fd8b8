"""Protecting a process that holds keys from others. Nothing here knows Qabel."""

import ctypes
import os
import resource
import sys

_PR_SET_DUMPABLE = 4
"""From ``linux/prctl.h``."""


def protect_process() -> None:
    """Disable core dumps of this process, and create files without permissions for others.

    On Linux it is also closed to debuggers of the same user, and its entries under ``/proc``
    belong to root: other processes of the user can read neither its memory nor its environment
    there. Programs that it starts have to do the same for themselves.
    """
    os.umask(0o077)
    # The hard limit too, so that nothing raises it again. A service manager that has done that
    # already may forbid setting limits.
    if resource.getrlimit(resource.RLIMIT_CORE) != (0, 0):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        # Where the system pipes core dumps to a program, the limit does not apply.
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
