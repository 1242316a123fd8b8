"""Which scope is admitted where, as a table: ``python -m tests.docs.scope_matrix`` writes it."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from qabel.console.pages import PLACE
from qabel.contract.access import FOR_ONE_IDENTITY, SCOPES, Access, OneIdentity
from qabel.contract.routes import Route
from qabel.rest.app import SUBJECTS

FILE = Path(__file__).parents[2] / "docs" / "scope-matrix.csv"

ONE = OneIdentity(1, bytes(32))


@frozen
class Request:
    """A route, as it is asked with some parameters of the query that decide about its scopes."""

    route: Route
    parameters: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """The path as it is documented, with the parameters."""
        path = re.sub(r"<\w+:(\w+)>", r"{\1}", self.route.path)
        return path + "".join(f"?{name}" for name in self.parameters)

    def admits(self, scope: str, identity: OneIdentity | None = None) -> bool:
        """Return whether a token with a single scope is admitted."""
        return self.route.admits(Access(frozenset({scope}), identity, 1), self.parameters)


def requests() -> Iterator[Request]:
    """Yield all routes, each once for every parameter that decides about its scopes."""
    for subject in SUBJECTS:
        for route in subject.all:
            if route.path.startswith(PLACE):
                continue  # files, which are all the same to everybody
            yield Request(route)
            yield from (Request(route, (name,)) for name in route.instead)


def rows() -> Iterator[list[str]]:
    """Yield the table: ``x`` for whoever is admitted, ``1`` if also limited to an identity."""
    yield ["Request", *SCOPES]
    for request in requests():
        name = f"{request.route.method} {request.path}"
        if not request.route.scopes:
            yield [f"{name} (no token needed)", *("" for _ in SCOPES)]
            continue
        if request.route.for_owner_only:
            yield [f"{name} (main token only)", *("" for _ in SCOPES)]
            continue
        yield [name, *(_cell(request, scope) for scope in SCOPES)]


def _cell(request: Request, scope: str) -> str:
    if not request.admits(scope):
        return ""
    return "1" if scope in FOR_ONE_IDENTITY and request.admits(scope, ONE) else "x"


def table() -> str:
    """Return the table as it is in the documentation."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows())
    return text.getvalue()


if __name__ == "__main__":
    FILE.write_text(table())
