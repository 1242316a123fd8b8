"""One request, as a handler sees it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from attrs import frozen
from klein.interfaces import IKleinRequest

from qabel.contract.body import BadBody, WrongType, read_members
from qabel.contract.rejection import Rejected, allow, rejected
from qabel.contract.routes import Route
from qabel.core.access import Access
from qabel.core.service import CoreService
from qabel.forms.errors import Fault
from qabel.rest.http.request import ApiRequest
from qabel.rest.services import Services

T = TypeVar("T")


@frozen
class Call:
    """One request: who asks, what was asked, and what it is answered with."""

    services: Services
    request: ApiRequest
    route: Route
    access: Access
    query: Mapping[str, Any]

    @property
    def core(self) -> CoreService:
        """The core."""
        return self.services.core

    @property
    def is_head(self) -> bool:
        """Whether only the head of the answer is wanted."""
        return self.request.method == b"HEAD"

    def header(self, name: bytes) -> bytes | None:
        """Return a header of the request."""
        return self.request.getHeader(name)

    def text_header(self, name: bytes) -> str | None:
        """Return a header of the request as text."""
        value = self.request.getHeader(name)
        if value is None:
            return None
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise rejected(400, f"The header {name.decode()} is not UTF-8.") from None

    def data(self) -> bytes:
        """Return the body."""
        return self.request.content.getvalue()

    def wrong_key(self, detail: str) -> Rejected:
        """Return the exception that ends a request with 405: a key or a document is none."""
        methods = IKleinRequest(self.request).mapper.allowed_methods()
        return rejected(405, detail, headers=(allow(methods),))

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
            raise rejected(415, str(error)) from None
        except BadBody as error:
            if unreadable == 405:
                raise self.wrong_key(str(error)) from None
            raise rejected(unreadable, str(error)) from None

    def refuse_unknown(self, members: Iterable[str]) -> None:
        """End the request if there are members that the route does not have."""
        known = [key.name for key in self.route.body]
        faults = [
            Fault(name[:100], f"is not known; the keys are {', '.join(known)}")
            for name in members
            if name not in known
        ]
        if faults:
            raise rejected(400, "The body has keys that nobody knows.", faults=faults)
