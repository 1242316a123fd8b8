"""Routes as declarations: what is served, to whom, and what the API document says about it."""

from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from attrs import define, field, frozen

from qabel.contract.access import Access
from qabel.contract.reply import Reply
from qabel.contract.schemas import Content
from qabel.forms.compound import Key, Object
from qabel.forms.form import Schema

MAX_BODY = 1024 * 1024
"""Bytes that the body of a request may have."""

LARGE_BODY = 16 * 1024 * 1024 + 1024
"""Bytes that the body may have where files and documents are sent, of up to 16 MiB themselves."""

OPEN: frozenset[str] = frozenset()
"""The scopes of a route that needs no token."""

Answer = Reply | None | Coroutine[Any, Any, Reply | None]


@frozen
class Raw:
    """A body that is not an object with known keys; ``content`` has its schemas by content type."""

    description: str
    content: Mapping[str, Schema]


Handler = Callable[..., Answer]


@frozen(kw_only=True, eq=False)
class Route:
    """One method of one resource.

    A token needs one of the ``scopes``, or ``admin``. Tokens that are restricted to one identity
    are rejected unless ``for_one_identity`` is set: the handler then restricts what it does.
    ``reads`` are request headers that the handler reads. ``answers`` describes the responses by
    status; of those that are not problems, ``returns`` is the type of the body, ``headers`` are
    the headers by status, and ``produces`` is the content type. ``parts`` are further types and
    documents to which the schemas of the request body refer. A body may have ``body_limit`` bytes.
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
    returns: Content
    headers: Mapping[int, tuple[str, ...]]
    produces: str
    parts: Sequence[Content]
    body_limit: int

    @property
    def name(self) -> str:
        """A unique name: the method and the path."""
        return f"{self.method} {self.path}"

    def admits(self, access: Access) -> bool:
        """Return whether a caller with this access may use the route."""
        if access.identity_id is not None and not self.for_one_identity:
            return False
        return "admin" in access.scopes or not self.scopes.isdisjoint(access.scopes)

    def forbidden(self) -> str:
        """Return for the user which tokens are admitted."""
        *others, last = sorted({*self.scopes, "admin"})
        scopes = f"{', '.join(others)} or {last}" if others else last
        more = "" if self.for_one_identity else ", not limited to a single identity"
        return f"This needs a token with the scope {scopes}{more}."


@define(eq=False)
class Routes:
    """The routes of one subject, collected as their handlers are defined."""

    subject: str
    all: list[Route] = field(factory=list, init=False)

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
        returns: Content = None,
        headers: Mapping[int, tuple[str, ...]] | None = None,
        produces: str = "application/json",
        parts: Sequence[Content] = (),
        body_limit: int = MAX_BODY,
    ) -> Callable[[Handler], Handler]:
        """Return a decorator that adds the route of a handler; for the arguments see ``Route``."""

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
                returns=returns,
                headers=headers or {},
                produces=produces,
                parts=parts,
                body_limit=body_limit,
            )
            self.all.append(route)
            return handler

        return declare
