"""What all storages have in common: the names of objects, and the errors."""

import re

from qabel.blockserver.object_store import StorageFailed, new_object_name


def test_names() -> None:
    """They are random, and can be the names of files."""
    names = [new_object_name() for _ in range(1000)]
    assert len(set(names)) == 1000
    assert all(re.fullmatch(r"[0-9a-f]{32}", each) for each in names)
    assert len({each[:2] for each in names}) > 200


def test_failures() -> None:
    """They say why, and whether there is no room."""
    failed = StorageFailed("No space left on device", is_full=True)
    assert (str(failed), failed.is_full) == ("No space left on device", True)
    assert not StorageFailed("broken").is_full
