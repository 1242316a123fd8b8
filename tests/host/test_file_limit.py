"""The limit of open files: raised as far as the process may, never lowered."""

import subprocess
import sys

import pytest

SCRIPT = """
import resource, sys
from qabel.host import file_limit
soft, hard, file_limit.ENOUGH = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
file_limit.raise_file_limit()
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(
    ("soft", "hard", "enough", "after"),
    [(64, 512, 1000, 512), (512, 512, 1000, 512), (64, 512, 256, 256), (400, 512, 256, 400)],
)
def test_the_limit_is_raised(soft: int, hard: int, enough: int, after: int) -> None:
    """The soft limit is raised to what is enough, up to the hard one, which stays."""
    command = [sys.executable, "-c", SCRIPT, *map(str, (soft, hard, enough))]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert [int(each) for each in found] == [after, hard]
