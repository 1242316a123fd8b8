"""The limit of open files: raised as far as the process may, never lowered."""

import subprocess
import sys

import pytest

from qabel.host import file_limit

SCRIPT = """
import resource, sys
from qabel.host import file_limit
soft, hard, file_limit.ENOUGH, most = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
allowed = file_limit.raise_file_limit(most)
assert allowed == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(
    ("soft", "hard", "enough", "most", "after"),
    [
        (64, 512, 1000, 0, 512),
        (512, 512, 1000, 0, 512),
        (64, 512, 256, 0, 256),
        (400, 512, 256, 0, 400),
        (64, 512, 256, 300, 300),
        (64, 512, 256, 900, 512),
    ],
)
def test_the_limit_is_raised(soft: int, hard: int, enough: int, most: int, after: int) -> None:
    """The soft limit is raised to what is enough, up to the hard one, which stays."""
    command = [sys.executable, "-c", SCRIPT, *map(str, (soft, hard, enough, most))]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert [int(each) for each in found] == [after, hard]


class LikeMacOS:
    """What is used of ``resource``, on a system that allows less than it says."""

    RLIMIT_NOFILE = 8
    RLIM_INFINITY = -1

    def __init__(self) -> None:
        self.soft = 256

    def getrlimit(self, _: int) -> tuple[int, int]:
        """Return the limits."""
        return self.soft, self.RLIM_INFINITY

    def setrlimit(self, _: int, limits: tuple[int, int]) -> None:
        """Set the limits. Raises ValueError where the system refuses."""
        if limits[0] > 10_240:
            raise ValueError("current limit exceeds maximum limit")
        self.soft = limits[0]


def test_the_system_may_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a limit that seems to be allowed is refused, a lower one is set, and nothing fails."""
    system = LikeMacOS()
    monkeypatch.setattr(file_limit, "resource", system)
    assert file_limit.raise_file_limit() == 10_240
    assert system.soft == 10_240
