"""The servers that proxies are in front of, in the configurations that the documentation shows."""

import re
from collections.abc import Sequence

_ADDRESS = re.compile(r"(?:127\.0\.0\.1|10\.0\.0\.\d+):969\d")
"""Of a server, in a configuration."""


def put_before(upstreams: Sequence[int], text: str) -> str:
    """Return a configuration with the ports of this test in place of its servers."""
    ports = iter(upstreams)
    replaced, count = _ADDRESS.subn(lambda _: f"127.0.0.1:{next(ports)}", text)
    assert count == len(upstreams), f"there are {count} servers in the configuration"
    return replaced
