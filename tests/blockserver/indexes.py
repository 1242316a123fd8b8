"""Indexes with two accounts, and short ways to change them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qabel.blockserver.block_values import Conditions, ObjectPath, StoredObject
from qabel.blockserver.index_tables import INDEX_NAME, open_index
from qabel.blockserver.object_index import ObjectIndex
from tests.blockserver.conftest import ANNA, BOB

SMALL_QUOTA = 1000


@contextmanager
def index_in(folder: Path, quota: int = SMALL_QUOTA) -> Iterator[ObjectIndex]:
    """Open an index in a folder; a new one has the accounts of Anna and Bob."""
    connection = open_index(folder / INDEX_NAME)
    try:
        index = ObjectIndex(connection)
        with index.transaction():
            index.add_account("anna", ANNA, quota)
            index.add_account("bob", BOB, quota)
        yield index
    finally:
        connection.close()


def put(
    index: ObjectIndex, path: ObjectPath, object_: str, size: int, token: str = ANNA
) -> StoredObject:
    """Put an object at a path, whatever is there, and return it."""
    new = StoredObject(object_, size)
    index.put(token, path, Conditions(), new)
    return new


def charged(index: ObjectIndex, token: str = ANNA) -> tuple[int, int]:
    """Return how many bytes an account is charged, and in how many objects."""
    account = index.account(token)
    return account.used, account.objects
