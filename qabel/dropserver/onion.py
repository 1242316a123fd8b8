"""What Tor needs in its configuration to make a drop server an onion service."""

from collections.abc import Iterable

from qabel.host.endpoints import ListenOn
from qabel.host.start_errors import StartError

SERVICE_DIRECTORY = "/var/lib/tor/qabel-drop"
"""Where Debian's Tor may write: it keeps the key and the address of the service there."""

_SPECIAL = set("\"'#\\\n\r")


def tor_configuration(listen: Iterable[ListenOn]) -> str:
    """Return the lines for Tor's configuration file, for the first endpoint that Tor can use.

    Raises StartError if there is none: Tor connects to a port of this machine, or a Unix socket.
    """
    for endpoint in listen:
        target = _target(endpoint)
        if target is not None:
            return _LINES.format(directory=SERVICE_DIRECTORY, target=target)
    raise StartError(
        "--onion needs an endpoint tcp:PORT:interface=127.0.0.1 or unix:PATH, with a fixed port"
    )


_LINES = """\
# Append this to /etc/tor/torrc, and run: systemctl reload tor
# The address of the drop server is then http:// and what is in {directory}/hostname
# Start the drop server with --behind-tor. The last line is for Tor 0.4.8 and later: whoever
# connects has to compute for it while there are too many.
HiddenServiceDir {directory}
HiddenServicePort 80 {target}
HiddenServicePoWDefensesEnabled 1
"""


def _target(endpoint: ListenOn) -> str | None:
    if endpoint.path is not None:
        if _SPECIAL & set(endpoint.path):
            return None
        return f'unix:"{endpoint.path}"' if " " in endpoint.path else f"unix:{endpoint.path}"
    host, port = endpoint.loopback or ("", 0)
    if not port:
        return None
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
