"""The warning about contacts with the name of another one."""

import io

import pytest

from qabel.cli.context import Session
from qabel.cli.output import Output
from qabel.cli.same_alias import warn_of_same_alias


@pytest.mark.parametrize("others", [[], [3, 7]])
def test_the_others_are_named(others: list[int]) -> None:
    """Only if there are others with that name, they are named, by their ids."""
    err = io.StringIO()
    session = Session({}, Output(False, io.StringIO(), err))
    warn_of_same_alias(session, {"alias": "Bob", "id": 9, "same_alias": others})
    assert bool(others) == ("id 3, 7" in err.getvalue())
