"""A short siege of two servers behind each balancer, by its documented configuration."""

from pathlib import Path

import pytest

from tests.dropserver.postgresql.cluster import find_programs
from tests.dropserver.postgresql.databases import MISSING
from tests.integration import haproxy, nginx
from tests.siege.servers import BALANCERS
from tests.siege.short import check_short_siege


@pytest.mark.parametrize("balancer", BALANCERS)
def test_nothing_is_lost(balancer: str, tmp_path: Path) -> None:
    """Attacks and kills break no promise, however requests are balanced."""
    if find_programs() is None:
        pytest.skip(MISSING)
    if (nginx if balancer.startswith("nginx") else haproxy).PROGRAM is None:
        pytest.skip(f"{balancer.split(maxsplit=1)[0]} is not installed")
    check_short_siege(tmp_path, "--database", f"--balancer={balancer}")
