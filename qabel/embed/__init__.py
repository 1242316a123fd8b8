"""The daemon inside another application: the reactor in a thread, or in a reactor already there.

::

    with qabel.embed.start(data_dir="~/.myapp/qabel") as daemon:
        print(daemon.url, daemon.token)
        print(daemon.call(lambda core: core.status()))

An application that runs Twisted's reactor itself uses ``make_service`` instead.
"""

from qabel.embed.embedded_daemon import EmbeddedDaemon, start
from qabel.embed.embedded_service import ANY_PORT, make_service
from qabel.embed.message_delivery import Deliver
from qabel.host.reactor_calls import CallTimeout, EmbedError, Stopped
from qabel.host.start_errors import StartError
from qabel.host.steady_clock import use_steady_clock

__all__ = [
    "ANY_PORT",
    "CallTimeout",
    "Deliver",
    "EmbedError",
    "EmbeddedDaemon",
    "StartError",
    "Stopped",
    "make_service",
    "start",
    "use_steady_clock",
]
