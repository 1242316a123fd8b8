"""A request, as its handler sees it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from attrs import frozen
from klein.interfaces import IKleinRequest

from qabel.contract.access import Access
from qabel.contract.body import BadBody, WrongType, read_members
from qabel.contract.rejection import Rejected, allow, rejected, rejected_input, summary
from qabel.contract.routes import Route
from qabel.core.service import CoreService
from qabel.core.view import CoreView
from qabel.forms.compound import Object
from qabel.forms.errors import FieldError, InvalidInput
from qabel.jsontext import encode, parse
from qabel.modules.api import Prepared
from qabel.modules.host import ModuleHost
from qabel.modules.messaging import Messaging
from qabel.modules.tools import ModuleTools
from qabel.rest.http.access_control import accepts_html
from qabel.rest.http.request import ApiRequest
from qabel.rest.http.services import Services
from qabel.store.database.connection import Parameters

T = TypeVar("T")

_DERIVED = ("updated", "same_alias", "namesake")
"""Members that follow from changes of others, and may have changed since the client read them."""


@frozen
class Call:
    """A request: what its sender may do, its parameters, and the services to respond with."""

    services: Services
    request: ApiRequest
    route: Route
    access: Access
    query: Mapping[str, Any]

    @property
    def view(self) -> CoreView:
        """The core, as far as the token may see it."""
        return self.services.core.view(self.access)

    @property
    def core(self) -> CoreService:
        """The whole core. Raises Rejected if the token is restricted to one identity."""
        if self.access.identity is not None:
            raise rejected(403, self.route.forbidden())
        return self.services.core

    @property
    def modules(self) -> ModuleHost:
        """The host of modules. Raises Rejected if the token is restricted to one identity."""
        if self.access.identity is not None:
            raise rejected(403, self.route.forbidden())
        return self.services.modules

    async def rows(self, sql: str, values: Parameters = ()) -> list[tuple[Any, ...]]:
        """Run a statement that reads, for a route of a module, and return its rows.

        Raises:
            StoreError: it cannot be read, or takes too long.

        """
        return await self.services.modules.rows(sql, values)

    async def change(self, made: Prepared) -> None:
        """Change tables of the module whose route this is, and tell its events.

        Raises:
            StoreError: a statement changes another table, or it cannot be stored.

        """
        await self.services.modules.change(self._module, made)

    @property
    def tools(self) -> ModuleTools:
        """The tools of the module whose route this is."""
        return self.services.modules.tools(self._module)

    @property
    def messaging(self) -> Messaging:
        """People and messages, for a route of a module."""
        return Messaging(self.core, self.view, self._module)

    @property
    def _module(self) -> str:
        """The name of the module whose route this is."""
        return self.route.path.split("/")[1]

    @property
    def is_head(self) -> bool:
        """Whether the response has no body: this is a HEAD request."""
        return self.request.method == b"HEAD"

    def wants_html(self) -> bool:
        """Return whether the client prefers a page to JSON: browsers say so."""
        return accepts_html(self.request.requestHeaders)

    def text_header(self, name: str) -> str | None:
        """Return a header, checked as the route declares it; None if it is missing.

        Raises:
            Rejected: with 400, if the header is not valid.

        """
        value = self.request.getHeader(name.encode())
        if value is None:
            return None
        try:
            text: str = self.route.reads[name].form.read_text(value.decode())
        except UnicodeDecodeError:
            raise rejected(400, f"The header {name} is not UTF-8.") from None
        except InvalidInput as error:
            raise rejected(400, f"The header {name} {error}.") from None
        return text

    def data(self) -> bytes:
        """Return the body."""
        return self.request.content.getvalue()

    def body(self, *, key: str | None = None, unreadable: int = 400) -> dict[str, Any]:
        """Return the values in the body by key, checked as the route declares them.

        Args:
            key: the key whose errors are a 405.
            unreadable: the status for a body that cannot be parsed.

        Raises:
            Rejected: with 400, 405 or 415, if the body is not valid.

        """
        declared = self.route.body or Object({})
        if not self.data() and declared.is_optional:
            return declared.read({})
        members = self.read(read_members, unreadable=unreadable)
        return self.checked(declared, members, key=key)

    def changes(self, current: object) -> dict[str, Any]:
        """Return the changes in the body; clients may send back all that they have received.

        Args:
            current: what is to be changed, as clients see it. Members of it that cannot be changed
                are passed over if they are the same in the body.

        Raises:
            Rejected: with 400 or 415, if the body is not valid.

        """
        declared = self.route.body or Object({})
        members = self.read(read_members)
        shown: Any = parse(encode(current))
        fixed = members.keys() & shown.keys() - declared.keys.keys()
        errors = [
            FieldError(name, "cannot be changed")
            for name in sorted(fixed)
            if name not in _DERIVED and encode(members[name]) != encode(shown[name])
        ]
        if errors:
            raise rejected_input("body", errors)
        return self.checked(
            declared, {name: members[name] for name in members if name not in fixed}
        )

    def checked(
        self, declared: Object, members: Mapping[str, object], *, key: str | None = None
    ) -> dict[str, Any]:
        """Return the values of the members of a body; like ``body``, after parsing."""
        try:
            return declared.read(members)
        except InvalidInput as error:
            at_key = [each for each in error.errors if each.key == key]
            if at_key:
                raise self.wrong_key(summary("body", at_key), at_key) from None
            raise rejected_input("body", error.errors) from None

    def wrong_key(self, detail: str, errors: Iterable[FieldError] = ()) -> Rejected:
        """Return the exception for a 405: a key does not exist, or a document is not one."""
        methods = IKleinRequest(self.request).mapper.allowed_methods()
        return rejected(405, detail, errors=errors, headers=(allow(methods),))

    def read(self, how: Callable[[bytes | None, bytes], T], *, unreadable: int = 400) -> T:
        """Return what a parser makes of the body.

        Args:
            how: the parser, of the Content-Type header and the body.
            unreadable: the status for a body that cannot be parsed.

        Raises:
            Rejected: with 415, or with ``unreadable``.

        """
        try:
            return how(self.request.getHeader(b"Content-Type"), self.data())
        except WrongType as error:
            raise rejected(415, str(error)) from None
        except BadBody as error:
            if unreadable == 405:
                raise self.wrong_key(str(error)) from None
            raise rejected(unreadable, str(error)) from None
