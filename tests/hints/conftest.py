"""People whose daemons run as they would at home."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.hints import printed
from tests.hints.person import Person, open_home
from tests.integration.daemons import serving_drops

HINTS = printed.in_code()


@pytest.fixture(autouse=True)
def shown(request: pytest.FixtureRequest) -> Iterator[None]:
    """See that a test printed the hints which it says it shows."""
    marks = list(request.node.iter_markers("shows"))
    expected = printed.resolve([part for mark in marks for part in mark.args], HINTS)
    printed.printed.clear()
    yield
    missing = [each.key for each in expected if not each.is_in(printed.printed)]
    assert not missing, f"not printed: {missing}"


@pytest.fixture(scope="session")
def drop_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a drop server, and return its URL."""
    folder = tmp_path_factory.mktemp("drops")
    folder.chmod(0o700)
    with serving_drops(folder) as url:
        yield url


@pytest.fixture(scope="module")
def alice(tmp_path_factory: pytest.TempPathFactory, drop_server: str) -> Iterator[Person]:
    """Return somebody with a daemon and an identity, whom the tests of a module share."""
    someone = Person(open_home(tmp_path_factory.mktemp("shared") / "alice"))
    someone.settles("Alice", drop_server)
    yield someone
    someone.leaves()


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Callable[..., Person]]:
    """Return a function that has somebody come, who leaves at the end."""
    came: list[Person] = []

    def come(name: str = "me", *, where: str = "default") -> Person:
        home = open_home(tmp_path / name)
        own = str(home / "my data")
        options = ("--data-dir", own) if where == "option" else ()
        environment = {"QABEL_DATA_DIR": own} if where == "variable" else {}
        came.append(Person(home, options, environment, where == "apart"))
        return came[-1]

    yield come
    for each in came:
        each.leaves()
