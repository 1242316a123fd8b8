"""What people and programs see of the outside is what is recorded; ``make golden`` records anew."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.golden.recorded import FOLDER, RECORDS, a_daemon
from tests.integration.daemons import Daemon


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """Return a daemon that has something to tell."""
    with a_daemon(tmp_path_factory.mktemp("golden")) as daemon:
        yield daemon


@pytest.mark.parametrize("name", RECORDS)
def test_what_is_seen_is_what_is_recorded(daemon: Daemon, name: str, tmp_path: Path) -> None:
    """Whatever changes here is noticed by somebody."""
    assert RECORDS[name](daemon) == (FOLDER / name).read_text()
