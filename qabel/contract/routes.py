"""Routes as declarations: what is served, who may ask, and what the contract document tells."""

from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any

from attrs import field, frozen

from qabel.contract.access import Access
from qabel.contract.query import Parameter
from qabel.contract.reply import Reply

OPEN: frozenset[str] = frozenset()
"""The scopes of a route that anybody may ask, without a token."""

Answer = Reply | None | Coroutine[Any, Any, Reply | None]


@frozen
class Key:
    """A member of a body, as the contract tells of it."""

    name: str
    description: str
    schema: Mapping[str, Any] = field(factory=dict)
    required: bool = False


@frozen
class Header:
    """A header of a request that a handler looks at, as the contract tells of it."""

    name: str
    description: str
    schema: Mapping[str, Any] = field(factory=lambda: {"type": "string"})


@frozen
class Raw:
    """A body that is no set of keys: what it is, and a schema for each content type."""

    description: str
    content: Mapping[str, Mapping[str, Any]]


Handler = Callable[..., Answer]


@frozen(kw_only=True, eq=False)
class Route:
    """One method of one resource.

    ``scopes`` are those of which a token needs one. Only where ``for_one_identity`` is said does
    the handler look at the identity that a token is restricted to; such tokens get no further.
    What ``gives`` describes is the body of answers that are no problems; ``tells`` has the headers
    of answers by status.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    scopes: frozenset[str]
    for_one_identity: bool
    query: Mapping[str, Parameter]
    body: tuple[Key, ...]
    raw: Raw | None
    reads: tuple[Header, ...]
    answers: Mapping[int, str]
    gives: Mapping[str, Any]
    tells: Mapping[int, tuple[str, ...]]
    produces: str

    @property
    def name(self) -> str:
        """A name of its own."""
        return f"{self.method} {self.path}"

    def admits(self, access: Access) -> bool:
        """Tell whether somebody may ask this."""
        if access.identity_id is not None and not self.for_one_identity:
            return False
        return "admin" in access.scopes or not self.scopes.isdisjoint(access.scopes)

    def forbidden(self) -> str:
        """Return why a token that is not admitted may not ask."""
        if self.scopes == {"admin"}:
            return "The token's scopes do not allow this: it needs admin."
        text = "The token does not allow this: it needs one of these scopes, or admin: "
        more = "" if self.for_one_identity else "; and one that is not for one identity only"
        return text + ", ".join(sorted(self.scopes)) + more + "."


class Routes:
    """Collects the routes of one subject."""

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.all: list[Route] = []

    def add(
        self,
        method: str,
        path: str,
        summary: str,
        *,
        scopes: Iterable[str],
        answers: Mapping[int, str],
        for_one_identity: bool = False,
        query: Iterable[Parameter] = (),
        body: Iterable[Key] = (),
        raw: Raw | None = None,
        reads: Iterable[Header] = (),
        gives: Mapping[str, Any] | None = None,
        tells: Mapping[int, tuple[str, ...]] | None = None,
        produces: str = "application/json",
    ) -> Callable[[Handler], Handler]:
        """Declare the route of the handler that follows; for the arguments see ``Route``."""

        def declare(handler: Handler) -> Handler:
            route = Route(
                method=method,
                path=path,
                handler=handler,
                summary=summary,
                scopes=frozenset(scopes),
                for_one_identity=for_one_identity,
                query={each.name: each for each in query},
                body=tuple(body),
                raw=raw,
                reads=tuple(reads),
                answers=answers,
                gives=gives or {},
                tells=tells or {},
                produces=produces,
            )
            self.all.append(route)
            return handler

        return declare
