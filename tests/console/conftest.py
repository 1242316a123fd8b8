"""A server for tests of the console."""

from tests.rest.conftest import make_server, server

__all__ = ["make_server", "server"]
