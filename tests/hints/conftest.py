"""People whose daemons run as they would at home."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.hints.person import Person, open_home
from tests.integration.daemons import ANYWHERE
from tests.integration.processes import Twistd


@pytest.fixture(scope="session")
def drop_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a drop server, and return its URL."""
    folder = tmp_path_factory.mktemp("drops")
    folder.chmod(0o700)
    arguments = ["qabel-drop", f"--listen={ANYWHERE}", f"--data-dir={folder / 'data'}"]
    with Twistd(folder / "logs", *arguments) as server:
        yield f"http://127.0.0.1:{server.port('qabel-drop')}"


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
