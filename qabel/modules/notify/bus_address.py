"""Where the message bus of the user's session is."""

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote

_SOCKET = re.compile(r"unix:(?:[^;]*,)?(path|abstract)=([^,;]*)")


def session_bus(environment: Mapping[str, str]) -> str | None:
    """Return the path of the socket of the session's bus; None without a session.

    Args:
        environment: the environment variables. A system service has neither of those that lead to
            a session.

    """
    address = environment.get("DBUS_SESSION_BUS_ADDRESS", "")
    for each in address.split(";"):
        match = _SOCKET.match(each)
        if match is not None:
            return ("\0" if match[1] == "abstract" else "") + unquote(match[2])
    directory = environment.get("XDG_RUNTIME_DIR", "")
    path = Path(directory) / "bus"
    return str(path) if directory and not address and path.is_socket() else None
