"""Disks for the torture that can be filled."""

import contextlib
import os
import resource
from pathlib import Path

from attrs import define, field

from tests.mounts import mount_memory, unmount
from tests.torture.victim import Victim


@define(eq=False)
class Disk:
    """A file system in memory where that is permitted; else a limit on the sizes of files."""

    path: Path
    megabytes: int
    is_mounted: bool = field(default=False, init=False)

    def prepare(self) -> None:
        """Create and mount it."""
        self.path.mkdir(parents=True)
        self.is_mounted = mount_memory(self.path, self.megabytes)

    def fill(self, victim: Victim) -> None:
        """Have no space for anything more."""
        if not self.is_mounted:
            self._limit(victim, max(each.stat().st_size for each in self.path.rglob("*-wal")))
            return
        with self._ballast.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            disk = os.statvfs(self.path)
            # Most of it at once, so that others cannot take it back meanwhile.
            os.posix_fallocate(file.fileno(), 0, max(4096, disk.f_bavail * disk.f_frsize - 65536))
        with self._ballast.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))

    def free(self, victim: Victim) -> None:
        """Have space again."""
        if self.is_mounted:
            self._ballast.unlink(missing_ok=True)
        else:
            self._limit(victim, resource.RLIM_INFINITY)

    def remove(self) -> None:
        """Unmount it."""
        if self.is_mounted:
            unmount(self.path)

    @property
    def _ballast(self) -> Path:
        return self.path / "ballast"

    def _limit(self, victim: Victim, size: int) -> None:
        assert victim.process is not None
        with contextlib.suppress(ProcessLookupError):
            _, hard = resource.prlimit(victim.process.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(victim.process.pid, resource.RLIMIT_FSIZE, (size, hard))
