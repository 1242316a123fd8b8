"""Confines a Python process to this machine: whatever it is told to call, nobody else is called.

Made-up input has URLs in it, and the daemon does what it is asked to do with them.
"""

import errno
import ipaddress
import socket
import sys
from typing import Any


def _is_here(host: object) -> bool:
    if host in (None, "", b"", "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.sendto"):
        connection, address = arguments[0], arguments[1]
        if connection.family != socket.AF_UNIX and not _is_here(address[0]):
            raise OSError(errno.ENETUNREACH, "kept within this machine")
    elif event in ("socket.getaddrinfo", "socket.gethostbyname") and not _is_here(arguments[0]):
        raise socket.gaierror(socket.EAI_NONAME, "kept within this machine")


sys.addaudithook(_watch)
