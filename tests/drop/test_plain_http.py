"""Servers with which traffic is not encrypted."""

import pytest

from qabel.drop.plain_http import is_unencrypted


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ("https://drop.example", False),
        ("http://drop.example", True),
        ("HTTP://Drop.Example", True),
        ("http://192.168.0.1:80/a", True),
        ("http://127.0.0.1:5000", False),
        ("http://[::1]:5000", False),
        ("http://[::ffff:127.0.0.1]", True),
        ("http://localhost.", False),
        ("http://localhost.example", True),
        ("http://abc.onion", False),
        ("http://abc.onion.example", True),
    ],
)
def test_which_servers_others_can_listen_to(server: str, expected: bool) -> None:
    """Others can listen to http, unless it is to this machine or an onion service."""
    assert is_unencrypted(server) is expected
