"""Asking a running drop server on its private socket."""

from pathlib import Path

import pytest

from qabel.dropserver.admin_client import ADMIN_SOCKET, post_to_server
from qabel.host.start_errors import StartError
from tests.integration.test_dropserver import drop_server


def test_what_it_says(tmp_path: Path) -> None:
    """What a server says, or refuses; without one there is nothing."""
    data = tmp_path / ("long" * 40)
    assert post_to_server(data, "/purge", {}) is None
    with drop_server(tmp_path, data=data.name) as server:
        server.wait_for("is ready")
        said = post_to_server(data, "/purge", {"since": 0, "dry_run": True})
        assert said is not None
        assert (said["messages"], said["known_since"]) == (0, 0)
        for wrong in ({}, {"since": -1, "dry_run": True}, {"since": "0", "dry_run": True}, [[]]):
            with pytest.raises(StartError, match="says 400: expected"):
                post_to_server(data, "/purge", wrong)
        with pytest.raises(StartError, match="says 404"):
            post_to_server(data, "/else", {})
        server.kill()
    assert (data / ADMIN_SOCKET).exists()
    assert post_to_server(data, "/purge", {}) is None


def test_what_is_no_socket(tmp_path: Path) -> None:
    """A file in its place cannot be asked."""
    (tmp_path / ADMIN_SOCKET).mkdir()
    assert post_to_server(tmp_path, "/purge", {}) is None
