"""Routes as declarations: what is served, to whom, and what the API document says about it."""

from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

from attrs import define, field, frozen

from qabel.contract.access import ANY_MODULE, Access
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
    """A body that is not an object with known keys; ``schema`` describes it as JSON."""

    description: str
    schema: Schema


Handler = Callable[..., Answer]


def _as_scopes(given: Iterable[str]) -> frozenset[str]:
    return frozenset(given)


def _as_instead(given: Mapping[str, Iterable[str]]) -> Mapping[str, frozenset[str]]:
    return {name: frozenset(each) for name, each in given.items()}


@frozen(kw_only=True, eq=False)
class Route:
    """One method of one resource.

    ``operation`` names it in the API document, and so in generated clients; None leaves it out.
    A token needs one of the ``scopes``, or ``admin``; if a parameter of ``instead`` is in the
    query, one of its scopes instead. Tokens that are limited to one identity are rejected unless
    ``for_one_identity`` is set: the view that the handler gets is then limited. With
    ``may_end_token``, the response is sent even if the request ended its own token. With
    ``for_owner_only``, no token is admitted but the main one: what is given out is as good as it.

    ``reads`` are request headers that the handler reads. ``answers`` describes the responses by
    status; of those that are not problems, ``returns`` is the type of the body, ``headers`` are
    the headers by status, and ``produces`` are the content types: the usual one, and those for
    clients that ask for them. ``parts`` are further types and documents to which the schemas refer.
    A body may have ``body_limit`` bytes.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    operation: str | None
    scopes: frozenset[str] = field(converter=_as_scopes)
    for_one_identity: bool
    instead: Mapping[str, frozenset[str]] = field(converter=_as_instead)
    may_end_token: bool
    for_owner_only: bool
    query: Object = field(converter=Object)
    body: Object | None
    raw: Raw | None
    reads: Mapping[str, Key]
    answers: Mapping[int, str]
    returns: Content
    headers: Mapping[int, tuple[str, ...]]
    produces: Sequence[str]
    parts: Sequence[Content]
    body_limit: int

    @property
    def name(self) -> str:
        """A unique name: the method and the path."""
        return f"{self.method} {self.path}"

    def admits(self, access: Access, parameters: Sequence[str] = ()) -> bool:
        """Return whether a caller with this access may use the route.

        ``parameters`` are the names of the parameters in the query.
        """
        if access.identity is not None and not self.for_one_identity:
            return False
        if self.for_owner_only and access.token_id is not None:
            return False
        if not self.instead or not parameters:
            return _suffices(access, self.scopes)
        return all(_suffices(access, each) for each in self._needed(parameters))

    def forbidden(self, parameters: Iterable[str] = ()) -> str:
        """Return for the user which tokens are admitted."""
        if self.for_owner_only:
            return "This needs the main token, or the Unix socket."
        scopes = " and ".join(_alternatives(each) for each in self._needed(parameters))
        more = "" if self.for_one_identity else ", not limited to a single identity"
        return f"This needs a token with the scope {scopes}{more}."

    def _needed(self, parameters: Iterable[str]) -> list[frozenset[str]]:
        return [self.instead[name] for name in parameters if name in self.instead] or [self.scopes]


def _suffices(access: Access, scopes: frozenset[str]) -> bool:
    if "admin" in access.scopes or not scopes.isdisjoint(access.scopes):
        return True
    return ANY_MODULE in scopes and any(each.endswith(":read") for each in access.scopes)


def _alternatives(scopes: frozenset[str]) -> str:
    *others, last = sorted({*scopes, "admin"})
    return f"{', '.join(others)} or {last}" if others else last


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
        operation: str | None = None,
        for_one_identity: bool = False,
        instead: Mapping[str, Iterable[str]] = MappingProxyType({}),
        may_end_token: bool = False,
        for_owner_only: bool = False,
        query: Mapping[str, Key] = MappingProxyType({}),
        body: Object | None = None,
        raw: Raw | None = None,
        reads: Mapping[str, Key] = MappingProxyType({}),
        returns: Content = None,
        headers: Mapping[int, tuple[str, ...]] = MappingProxyType({}),
        produces: Sequence[str] = ("application/json",),
        parts: Sequence[Content] = (),
        body_limit: int = MAX_BODY,
    ) -> Callable[[Handler], Handler]:
        """Return a decorator that adds the route of a handler; for the arguments see ``Route``."""
        given = dict(locals())
        del given["self"]
        return partial(self._declare, **given)

    def _declare(self, handler: Handler, /, **given: Any) -> Handler:
        self.all.append(Route(handler=handler, **given))
        return handler
