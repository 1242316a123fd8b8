"""What a module is made of."""

import pytest
from attrs import evolve

from qabel.modules.api import Prepared
from tests.modules.conftest import NOTES


@pytest.mark.parametrize(
    "name", ["", "a", "Chat", "my_module", "my-module", "1st", "qabel", "x" * 33]
)
def test_names(name: str) -> None:
    """A name that could not begin the names of tables and routes is refused."""
    with pytest.raises(ValueError, match="name of a module"):
        evolve(NOTES, name=name)


def test_what_is_prepared() -> None:
    """Statements and events are kept in their order."""
    made = Prepared()
    made.write("INSERT INTO notes VALUES (?)", (1,), (2,))
    made.tell("new", {"id": 1})
    assert [(each.sql, list(each.rows)) for each in made.changes] == [
        ("INSERT INTO notes VALUES (?)", [(1,), (2,)])
    ]
    assert [(each.kind, each.detail, each.about) for each in made.told] == [
        ("new", {"id": 1}, None)
    ]
