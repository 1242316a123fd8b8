"""A short siege of each kind of server: nothing is lost, doubled or skipped."""

from pathlib import Path

import pytest

from tests.dropserver.postgresql.cluster import find_programs
from tests.dropserver.postgresql.databases import MISSING
from tests.siege.short import check_short_siege


@pytest.mark.parametrize("options", [[], ["--database"]])
def test_nothing_is_lost(options: list[str], tmp_path: Path) -> None:
    """Attacks and kills break no promise."""
    if options and find_programs() is None:
        pytest.skip(MISSING)
    check_short_siege(tmp_path, *options)
