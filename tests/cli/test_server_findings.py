"""How the findings about drop servers are shown."""

import io

import pytest

from qabel.cli.output import Output
from qabel.cli.server_findings import is_other_server, show_checks, summary

CHECKS = [
    {"name": "read", "ok": True, "detail": "A new drop can be read"},
    {"name": "write", "ok": False, "detail": "Full \x1b[2J"},
    {"name": "push", "ok": False, "detail": "Not offered"},
]


def shown(result: dict[str, object]) -> str:
    """Return what is printed of a result."""
    out = io.StringIO()
    show_checks(Output(out=out, err=io.StringIO()), result)
    return out.getvalue()


def test_checks() -> None:
    """What a server must do fails, what it need not do is a warning; foreign text is escaped."""
    lines = shown({"url": "u", "ok": False, "detail": "d", "checks": CHECKS}).splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["ok", "read"],
        ["FAIL", "write"],
        ["warn", "push"],
    ]
    assert r"\x1b[2J" in lines[1]


def test_summary() -> None:
    """A server that works is said to, with what it does not offer."""
    result = {"detail": "A drop server responded.", "checks": [CHECKS[0], CHECKS[2]]}
    assert summary(result) == "A drop server responded: it works. Not offered."


@pytest.mark.parametrize("found", ["drop-server", "no-server", "unknown", None])
def test_only_what_is_certain_is_refused(found: str | None) -> None:
    """A server of which nothing is known may be a drop server, also with an older daemon."""
    assert not is_other_server({} if found is None else {"found": found})
    assert is_other_server({"found": "other-server"})
