"""The key with which the daemon proves itself to its page."""

from qabel.deferreds import result_of
from qabel.store.console import ConsoleRepository
from qabel.store.database.database import Database


def test_the_first_key_stays(database: Database) -> None:
    """Another one is not taken any more."""
    repository = ConsoleRepository(database)
    assert result_of(repository.proof_key(b"a" * 32)) == b"a" * 32
    assert result_of(repository.proof_key(b"b" * 32)) == b"a" * 32
