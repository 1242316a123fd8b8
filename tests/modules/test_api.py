"""What a module is made of."""

import pytest
from attrs import evolve

from qabel.modules.api import RESERVED, Prepared, Routes
from qabel.rest.app import SUBJECTS
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


def test_paths_of_the_api_are_no_modules() -> None:
    """No module can take a name with which paths of the API itself begin."""
    first = {route.path.split("/")[1].partition(".")[0] for each in SUBJECTS for route in each.all}
    assert first - {""} <= RESERVED


def declared(path: str, scope: str) -> Routes:
    """Return a route."""
    routes = Routes("Notes")
    routes.add("GET", path, "List", scopes={scope}, answers={200: "All."})(lambda call: None)
    return routes


@pytest.mark.parametrize(
    ("path", "scope", "error"),
    [
        ("/drop", "notes:read", "path /drop"),
        ("/notes2", "notes:read", "path /notes2"),
        ("/notes", "read", "scopes of GET /notes"),
        ("/notes", "chat:read", "scopes of GET /notes"),
    ],
)
def test_routes_of_others(path: str, scope: str, error: str) -> None:
    """A module has paths and scopes of its own only."""
    with pytest.raises(ValueError, match=error):
        evolve(NOTES, routes=declared(path, scope))
    for allowed in ("notes:read", "contacts", "delete"):
        assert evolve(NOTES, routes=declared("/notes/all", allowed)).routes is not None
