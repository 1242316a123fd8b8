"""The daemon's command line: who can reach it, and who can read its token."""

import stat
from pathlib import Path

import pytest

from qabel.host.start_errors import StartError
from qabel.tap import Options


@pytest.fixture(autouse=True)
def _own_hook(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Protect the interpreter's exception hook and the user's own directory."""
    monkeypatch.setattr("sys.excepthook", None)
    monkeypatch.setenv("QABEL_DATA_DIR", str(tmp_path / "data"))


def parse(*arguments: str) -> Options:
    """Parse a command line."""
    options = Options()
    options.parseOptions(list(arguments))
    return options


@pytest.mark.parametrize(
    "place",
    [
        "tcp:9696",
        "tcp:9696:interface=0.0.0.0",
        "tcp:9696:interface=192.0.2.1",
        "tcp6:9696",
        "tcp:9696:interface=box.example",
        "haproxy:tcp:9696",
        "nobody-knows:1",
    ],
)
def test_plain_endpoints_are_for_loopback(place: str) -> None:
    """An unencrypted endpoint that other hosts can reach is rejected, even with --allow-remote."""
    with pytest.raises(StartError, match="--allow-remote"):
        parse(f"--listen={place}")
    with pytest.raises(StartError, match="others could read tokens and messages"):
        parse(f"--listen={place}", "--allow-remote")


@pytest.mark.parametrize(
    "place",
    [
        "ssl:9696:privateKey=key.pem:certKey=cert.pem",
        "ssl:9696:privateKey=key.pem:certKey=cert.pem:interface=192.0.2.1",
        "tls:9696:certificate.pem",
    ],
)
def test_tls_may_be_reached(place: str) -> None:
    """An endpoint with TLS needs --allow-remote, and cannot be combined with --auth none."""
    with pytest.raises(StartError, match="--allow-remote"):
        parse(f"--listen={place}")
    [listen] = parse(f"--listen={place}", "--allow-remote").listen
    assert (listen.reachable, listen.encrypted) == (True, True)
    with pytest.raises(StartError, match="--auth none"):
        parse(f"--listen={place}", "--allow-remote", "--auth=none")


@pytest.mark.parametrize(
    "place",
    [
        "tcp:0:interface=127.0.0.1",
        "tcp6:0:interface=\\:\\:1",
        "unix:/run/a",
        "tcp:0:interface=localhost",
    ],
)
def test_this_machine_needs_no_tls(place: str) -> None:
    """Loopback addresses and Unix sockets need no TLS, with or without --allow-remote."""
    for more in ([], ["--allow-remote"]):
        [listen] = parse(f"--listen={place}", *more).listen
        assert not listen.reachable


def test_the_drop_server_may_be_plain() -> None:
    """The drop server may be reached without TLS, since its messages are encrypted."""
    with pytest.raises(StartError, match="--allow-remote"):
        parse("--drop-server=tcp:9697")
    config = parse("--drop-server=tcp:9697", "--allow-remote").config
    assert config.drop_server is not None
    assert config.drop_server.reachable


def test_proxy() -> None:
    """A proxy is a URL; what is none is an error that does not quote it."""
    assert parse().config.core.proxy is None
    chosen = parse("--proxy=socks5h://me:secret@127.0.0.1:9050").config.core.proxy
    assert str(chosen) == "socks5://me:secret@127.0.0.1:9050"
    for wrong in ("", "127.0.0.1:9050", "socks5://me:secret@127.0.0.1", "http://127.0.0.1:1"):
        with pytest.raises(StartError, match=r"--proxy must") as raised:
            parse(f"--proxy={wrong}")
        assert "secret" not in str(raised.value)


def test_the_group_may_read_the_token() -> None:
    """Only the owner may read the token, unless --token-group-readable is given."""
    assert stat.filemode(parse().config.core.token_mode) == "?rw-------"
    mode = parse("--token-group-readable").config.core.token_mode
    assert stat.filemode(mode) == "?rw-r-----"
