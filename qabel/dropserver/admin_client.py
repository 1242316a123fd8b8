"""Asking a running drop server on its private socket. Blocks."""

import json
import os
import socket
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from qabel.host.socket_paths import address_of
from qabel.host.start_errors import StartError

ADMIN_SOCKET = "admin.sock"
"""In the data directory: where the server can be asked by those who run it, and told to purge."""


class _SocketConnection(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX)
        with address_of(self._path) as address:
            self.sock.connect(address)


def post_to_server(directory: Path, path: str, value: object) -> dict[str, int] | None:
    """Post a JSON value to the server of a data directory, and return what it says.

    It returns None if no server listens there. Raises StartError if the server refuses or fails.
    """
    where = directory / ADMIN_SOCKET
    connection = _SocketConnection(where)
    try:
        connection.connect()
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        return None
    except OSError as error:
        connection.close()
        raise StartError(f"cannot connect to {where}: {os.strerror(error.errno or 0)}") from None
    try:
        connection.request("POST", path, json.dumps(value))
        response = connection.getresponse()
        said = json.loads(response.read())
    except (OSError, HTTPException, ValueError) as error:
        raise StartError(f"the server has not answered: {error or type(error).__name__}") from None
    finally:
        connection.close()
    if response.status != 200:
        raise StartError(f"the server says {response.status}: {said.get('error')}")
    return {str(name): int(number) for name, number in said.items()}
