"""A database server for all tests of a process, and databases of their own for each."""

import itertools
from collections.abc import Iterator

import pytest

from tests.dropserver.postgresql.cluster import Cluster, find_programs

MISSING = "postgresql is not installed"

DATABASE = "database"

in_both = pytest.mark.parametrize("running", ["file", DATABASE], indirect=True)
"""Has a test run with the messages in a file, and with them in a database."""

_numbers = itertools.count()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Return a running database server, which no test may stop."""
    programs = find_programs()
    if programs is None:
        pytest.skip(MISSING)
    # What is on the disk does not matter after the tests: those of failures have their own.
    with Cluster(programs, {"fsync": "off"}) as cluster:
        yield cluster


@pytest.fixture
def database(cluster: Cluster) -> str:
    """Return the URL of an empty database."""
    name = f"drops{next(_numbers)}"
    cluster.asks(f"CREATE DATABASE {name}")
    return cluster.url(name)
