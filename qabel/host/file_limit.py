"""How many files and connections a process may have open. Nothing here knows Qabel."""

import resource

ENOUGH = 65_536
"""Files and connections: more than any number of identities needs."""


def raise_file_limit() -> None:
    """Allow this process as many open files as it may allow itself, up to ``ENOUGH``.

    Each identity has connections of its own, and many systems begin with a limit of 1,024.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(ENOUGH, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
