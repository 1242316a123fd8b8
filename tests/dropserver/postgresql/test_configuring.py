"""Changing what a database says without a server; the command's own tests have the rest."""

import pytest

from qabel.dropserver.message_values import MEGABYTE
from qabel.dropserver.postgresql.configuring import configure
from qabel.dropserver.wanted import Wanted
from qabel.host.start_errors import StartError
from tests.dropserver.postgresql.test_configuration import agreed


def test_changing(database: str) -> None:
    """It says what applies then."""
    agreed(database, Wanted(quota=MEGABYTE))
    assert configure(database, Wanted(quota=2 * MEGABYTE)).quota == 2 * MEGABYTE
    assert agreed(database, Wanted()).quota == 2 * MEGABYTE


def test_a_database_without_servers(database: str) -> None:
    """There is nothing to change before a server has used it, and nothing is created."""
    for _ in range(2):
        with pytest.raises(StartError, match="no drop server has used the database yet"):
            configure(database, Wanted(quota=MEGABYTE))
