"""Routes as declarations: what Klein serves, who may ask, and what the contract document tells."""

from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define, field, frozen
from klein import Klein
from klein.interfaces import IKleinRequest
from werkzeug.routing import BaseConverter

from qabel.core.access import Access
from qabel.core.service import CoreService
from qabel.rest.body import BadBody, WrongType, read_members
from qabel.rest.http.answers import Reply
from qabel.rest.http.large_answers import LARGE, pour
from qabel.rest.http.problems import Refused, allow, refused
from qabel.rest.http.request import ApiRequest
from qabel.rest.query import Parameter, defaults, read_query
from qabel.settings.document import Fault

if TYPE_CHECKING:
    from qabel.rest.app import Api

T = TypeVar("T")

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


@define
class Call:
    """One request, as a handler sees it."""

    core: CoreService
    request: ApiRequest
    access: Access
    query: Mapping[str, Any]
    route: "Route"
    api: "Api"

    @property
    def is_head(self) -> bool:
        """Whether only the head of the answer is wanted."""
        return self.request.method == b"HEAD"

    def header(self, name: bytes) -> bytes | None:
        """Give a header of the request."""
        return self.request.getHeader(name)

    def text_header(self, name: bytes) -> str | None:
        """Give a header of the request as text."""
        value = self.request.getHeader(name)
        if value is None:
            return None
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise refused(400, f"The header {name.decode()} is not UTF-8.") from None

    def data(self) -> bytes:
        """Give the body."""
        return self.request.content.getvalue()

    def methods(self) -> list[str]:
        """Give the methods that the resource has."""
        return list(IKleinRequest(self.request).mapper.allowed_methods())

    def wrong_key(self, detail: str) -> Refused:
        """Make the exception that ends a request with 405: a key or a document is none."""
        return refused(405, detail, headers=(allow(self.methods()),))

    def members(self, *, unreadable: int = 400) -> dict[str, object]:
        """Read the body, and see that all its members are known."""
        members = self.read(read_members, unreadable=unreadable)
        self.refuse_unknown(members)
        return members

    def read(self, how: Callable[[bytes | None, bytes], T], *, unreadable: int = 400) -> T:
        """Read the body; one that cannot be read ends the request with this status."""
        try:
            return how(self.header(b"Content-Type"), self.data())
        except WrongType as error:
            raise refused(415, str(error)) from None
        except BadBody as error:
            if unreadable == 405:
                raise self.wrong_key(str(error)) from None
            raise refused(unreadable, str(error)) from None

    def refuse_unknown(self, members: Iterable[str]) -> None:
        """End the request if there are members that the route does not have."""
        known = [key.name for key in self.route.body]
        faults = [
            Fault(name[:100], f"is not known; the keys are {', '.join(known)}")
            for name in members
            if name not in known
        ]
        if faults:
            raise refused(400, "The body has keys that nobody knows.", faults=faults)


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

    def install(self, app: Klein) -> None:
        """Have Klein serve it."""
        no_query = defaults(self.query)

        def endpoint(api: "Api", request: ApiRequest, **path: Any) -> Any:
            access = request.access
            if self.scopes and (access is None or not self.admits(access)):
                raise refused(403, self._not_allowed())
            query = read_query(self.query, request.args) if request.args else no_query
            call = Call(api.core, request, access or NOBODY, query, self, api)
            answer = self.handler(call, **path)
            if isinstance(answer, Reply) and len(answer.body) < LARGE:
                return answer.begin(request)
            return _finish(request, answer)

        app.route(self.path, methods=[self.method], endpoint=self.name)(endpoint)

    def admits(self, access: Access) -> bool:
        """Tell whether somebody may ask this."""
        if access.identity_id is not None and not self.for_one_identity:
            return False
        return "admin" in access.scopes or not self.scopes.isdisjoint(access.scopes)

    def _not_allowed(self) -> str:
        if self.scopes == {"admin"}:
            return "The token's scopes do not allow this: it needs admin."
        text = "The token does not allow this: it needs one of these scopes, or admin: "
        more = "" if self.for_one_identity else "; and one that is not for one identity only"
        return text + ", ".join(sorted(self.scopes)) + more + "."


NOBODY = Access(frozenset())


async def _finish(request: ApiRequest, answer: Answer) -> bytes | None:
    reply = answer if answer is None or isinstance(answer, Reply) else await answer
    if reply is None:
        return None
    if len(reply.body) < LARGE:
        return reply.begin(request)
    await pour(request, reply)
    return None


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


class IdConverter(BaseConverter):
    """An id in a path: a whole number. There are none of more digits, and none that large."""

    # A converter that refused them would have Werkzeug say 405 for some methods.
    regex = "0|[1-9][0-9]{0,17}"

    def to_python(self, value: str) -> int:
        """Read it."""
        return int(value)


class RefConverter(BaseConverter):
    """An identity in a path: its id, or its public key."""

    regex = "[0-9A-Fa-f]{64}|0|[1-9][0-9]{0,9}"
