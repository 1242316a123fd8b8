"""Running a server: it listens once it serves, and then tells the log and the service manager."""

from typing import Any, Protocol

from twisted.application.service import IServiceCollection, MultiService
from twisted.internet.defer import Deferred

from qabel.host.daemon_options import DaemonOptions
from qabel.host.garbage_collection import tune_garbage_collector
from qabel.host.http_server.site import BoundedSite
from qabel.host.listening import Listening
from qabel.host.service_manager import Notifier


class ServerService(Protocol):
    """The service of a server."""

    site: BoundedSite
    """What listens."""
    started: "Deferred[None]"
    """Fires when it serves."""

    def setServiceParent(self, parent: IServiceCollection) -> Any:
        """Start and stop with another service."""


def serve(server: ServerService, options: DaemonOptions, reactor: Any) -> MultiService:
    """Return the service of a process that runs a server.

    Args:
        server: the server.
        options: the command line, which says where it listens.
        reactor: Twisted's reactor.

    """
    parent = MultiService()
    server.setServiceParent(parent)
    listening = Listening(reactor, options.listen, server.site, name=options.name)
    listening.setServiceParent(parent)
    notifier = Notifier(reactor=reactor)
    notifier.setServiceParent(parent)
    # A failure to listen ends the process with its own message.
    ready = server.started.addCallback(lambda _: listening.when_listening())
    ready.addCallback(options.note_ready)
    ready.addCallbacks(notifier.is_ready, lambda _: None)
    ready.addCallback(lambda _: tune_garbage_collector())
    return parent
