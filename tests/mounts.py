"""Small file systems in memory for tests, which nothing can leave behind."""

import ctypes
import os
import subprocess
from pathlib import Path

_CLONE_NEWNS = 0x00020000
"""``unshare(2)``: mounts of one's own (``linux/sched.h``)."""


def keep_mounts_private() -> bool:
    """Have what this process mounts from now on vanish with it and its children.

    Without this a killed run leaves its mounts behind, and later runs cannot delete its
    directories. Return false where that is not permitted: nothing can be mounted there either.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() or not hasattr(libc, "unshare") or libc.unshare(_CLONE_NEWNS):
        return False
    return not _run("mount", "--make-rprivate", "/")


def mount_memory(path: Path, megabytes: int) -> bool:
    """Mount a file system of so many megabytes at a directory; return false where refused."""
    if os.geteuid():
        return False
    options = f"size={megabytes}m,mode=0700"
    return not _run("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path))


def mount_read_only(path: Path) -> bool:
    """Forbid writing below a directory; return false where that is refused."""
    if os.geteuid() or _run("mount", "--bind", str(path), str(path)):
        return False
    if _run("mount", "-o", "remount,bind,ro", str(path)):
        unmount(path)
        return False
    return True


def unmount(path: Path) -> None:
    """Take a mounted file system away, also while a process has files of it open."""
    subprocess.run(["umount", "-l", str(path)], check=True)


def _run(*command: str) -> int:
    return subprocess.run(command, capture_output=True, check=False).returncode
