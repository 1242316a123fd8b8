"""The REST server: the Klein application with all routes, and the site around it."""

from collections.abc import Iterable
from functools import cache
from typing import Any, ClassVar

from attrs import frozen
from klein import Klein
from klein.interfaces import IKleinRequest
from twisted.python.failure import Failure
from werkzeug.exceptions import MethodNotAllowed

from qabel.console import routes as console
from qabel.contract.openapi import describe
from qabel.contract.rejection import allow
from qabel.contract.reply import Reply
from qabel.contract.routes import Routes
from qabel.core.service import CoreService
from qabel.jsontext import encode
from qabel.modules.host import ModuleHost
from qabel.rest.events import resource as events
from qabel.rest.events.streams import Streams
from qabel.rest.http.access_control import AccessControl, AccessOptions
from qabel.rest.http.dispatch import CONVERTERS, install, route_finder
from qabel.rest.http.problems import problem_of
from qabel.rest.http.replies import begin
from qabel.rest.http.request import ApiRequest
from qabel.rest.http.services import Services
from qabel.rest.http.site import ApiSite
from qabel.rest.module_schemas import add_module_forms
from qabel.rest.resources import (
    blocked,
    contacts,
    docs,
    drop,
    identities,
    metrics,
    outbox,
    servers,
    settings,
    status,
    tokens,
    webhooks,
)
from qabel.rest.resources import (
    modules as module_routes,
)
from qabel.settings.module_forms import ModuleForms

SUBJECTS = (
    settings.routes,
    drop.routes,
    identities.routes,
    contacts.routes,
    blocked.routes,
    outbox.routes,
    events.routes,
    servers.routes,
    webhooks.routes,
    tokens.routes,
    module_routes.routes,
    status.routes,
    metrics.routes,
    docs.routes,
    console.routes,
)


@frozen(eq=False)
class Api:
    """The application, with what its handlers share."""

    services: Services

    app: ClassVar[Klein]

    @staticmethod
    def openapi() -> bytes:
        """Return the OpenAPI document without the routes of modules."""
        return _document(SUBJECTS)

    def failed(self, request: Any, failure: Failure) -> bytes:
        """Respond to an exception."""
        error = failure.value or RuntimeError("no error")
        if isinstance(error, MethodNotAllowed) and request.method == b"OPTIONS":
            allowed = allow(error.valid_methods or ())
            return begin(request, Reply(204, content_type=None, headers=(allowed,)))
        if request.is_revoked:
            return begin(request, request.site.access_control.unauthorized())
        mapper = IKleinRequest(request).mapper
        return begin(request, problem_of(error, mapper.allowed_methods))


@cache
def _document(subjects: tuple[Routes, ...]) -> bytes:
    """Return an OpenAPI document; it is made on the first request for it."""
    return encode(describe(subjects))


def _document_with(subjects: tuple[Routes, ...], forms: ModuleForms) -> bytes:
    """Return an OpenAPI document that has what modules store, too."""
    if forms == ModuleForms():
        return _document(subjects)
    document = describe(subjects)
    add_module_forms(document, forms)
    return encode(document)


def _application(subjects: Iterable[Routes]) -> Klein:
    app = Klein()
    app.url_map.converters.update(CONVERTERS)
    # A path with two slashes is another path: do not redirect from it.
    app.url_map.merge_slashes = False
    app.handle_errors(Exception)(Api.failed)
    for subject in subjects:
        for route in subject.all:
            install(app, route, is_of_module=subject not in SUBJECTS)
    return app


Api.app = _application(SUBJECTS)


@cache
def _api_of(subjects: tuple[Routes, ...]) -> type[Api]:
    """Return the application with the routes of these subjects."""
    if subjects == SUBJECTS:
        return Api
    return type("ApiWithModules", (Api,), {"app": _application(subjects)})


def make_site(
    core: CoreService,
    *,
    options: AccessOptions | None = None,
    modules: ModuleHost | None = None,
    reactor: Any,
) -> ApiSite:
    """Return the site that serves an open core.

    Args:
        core: the core that the API serves.
        options: the configuration of access control.
        modules: the host of modules, whose routes are served too; None for no modules.
        reactor: the clock for all timeouts.

    """
    chosen = options or AccessOptions()
    host = modules or ModuleHost(core, (), reactor)
    subjects = (*SUBJECTS, *host.routes)
    if not chosen.console:
        subjects = tuple(each for each in subjects if each is not console.routes)
    api = _api_of(subjects)
    openapi = cache(lambda: _document_with(subjects, host.forms))
    services = Services(core, Streams(core.journal, reactor), host, openapi)
    routes = [route for subject in subjects for route in subject.all]
    site = ApiSite(
        api(services).app.resource(),
        ApiRequest,
        AccessControl(core.tokens, chosen),
        frozenset(route.path.encode() for route in routes if not route.scopes),
        route_finder(api.app, routes),
        pages=console.PAGES if chosen.console else frozenset(),
        reactor=reactor,
        max_connections=chosen.max_connections,
    )
    core.tokens.on_end(site.recheck)
    core.tokens.on_review(site.note_uses)
    return site
