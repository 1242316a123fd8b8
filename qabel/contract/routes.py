"""Routes as declarations: what is served, who may ask, and what the contract document tells."""

from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from attrs import frozen

from qabel.contract.access import Access
from qabel.contract.reply import Reply
from qabel.contract.schemas import Gives
from qabel.forms.compound import Key, Object
from qabel.forms.form import Schema

OPEN: frozenset[str] = frozenset()
"""The scopes of a route that anybody may ask, without a token."""

Answer = Reply | None | Coroutine[Any, Any, Reply | None]


@frozen
class Raw:
    """A body that is not an object of known keys: what it is, and the schema by content type."""

    description: str
    content: Mapping[str, Schema]


Handler = Callable[..., Answer]


@frozen(kw_only=True, eq=False)
class Route:
    """One method of one resource.

    ``scopes`` are those of which a token needs one. Only where ``for_one_identity`` is said does
    the handler look at the identity that a token is restricted to; such tokens get no further.
    ``reads`` are headers that the handler looks at. ``gives`` is the type of the body of answers
    that are no problems; ``tells`` has the headers of answers by status. ``parts`` are the types
    and documents that the schemas of its body refer to.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    scopes: frozenset[str]
    for_one_identity: bool
    query: Object
    body: Object | None
    raw: Raw | None
    reads: Mapping[str, Key]
    answers: Mapping[int, str]
    gives: Gives
    tells: Mapping[int, tuple[str, ...]]
    produces: str
    parts: Sequence[Gives]

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
        query: Mapping[str, Key] = MappingProxyType({}),
        body: Object | None = None,
        raw: Raw | None = None,
        reads: Mapping[str, Key] = MappingProxyType({}),
        gives: Gives = None,
        tells: Mapping[int, tuple[str, ...]] | None = None,
        produces: str = "application/json",
        parts: Sequence[Gives] = (),
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
                query=Object(query),
                body=body,
                raw=raw,
                reads=reads,
                answers=answers,
                gives=gives,
                tells=tells or {},
                produces=produces,
                parts=parts,
            )
            self.all.append(route)
            return handler

        return declare
