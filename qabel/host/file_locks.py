"""Locks on open files, which end with the process that holds them. Nothing here knows Qabel."""


def lock_now(descriptor: int, *, shared: bool = False) -> None:
    """Lock an open file without waiting.

    Args:
        descriptor: of the file.
        shared: whether others may hold such a lock at the same time.

    Raises:
        BlockingIOError: another process holds a lock that excludes this one.
        OSError: the file cannot be locked.

    """
    # Not every system has this module; there, what needs no lock still works.
    import fcntl  # noqa: PLC0415

    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
