"""How many files and connections a process may have open. Nothing here knows Qabel."""

import resource
from contextlib import suppress

ENOUGH = 65_536
"""Files and connections: more than any number of identities needs."""

MODEST = 10_240
"""As many as macOS allows where it says infinity."""


def raise_file_limit(most: int | None = None) -> int:
    """Allow this process as many open files as it may allow itself; return how many it may have.

    Each identity has connections of its own, and many systems begin with a limit of 1,024.

    Args:
        most: files that are enough. Default: ``ENOUGH``.

    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = max(ENOUGH, most or 0)
    wanted = enough if hard == resource.RLIM_INFINITY else min(enough, hard)
    # Where the hard limit says infinity, the system may have another one that it does not tell.
    for limit in (wanted, MODEST):
        if soft == resource.RLIM_INFINITY:
            return enough
        if soft >= limit:
            return soft
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
            return limit
    return soft
