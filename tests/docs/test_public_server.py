"""The commands of the recipe for a public drop server, as far as they need no public name."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from qabel.dropserver.tap import Options
from tests.docs.test_snippets import body
from tests.integration.daemons import Daemon
from tests.integration.nginx import PROGRAM, Nginx
from tests.integration.processes import DEADLINE, ROOT, Twistd
from tests.integration.test_dropserver import LISTEN, drop_server, get, post

PAGE = ROOT / "docs" / "public-drop-server.rst"

BLOCK = ".. code-block:: shell"

PRELUDE = """
set -Eeuo pipefail
sudo() { if [ "$1" = -u ]; then shift 2; fi; "$@"; }
systemctl() { echo "systemctl $*"; }
curl() { command curl --silent --show-error $CURL "$@"; }
"""

needs_nginx = pytest.mark.skipif(
    PROGRAM is None or shutil.which("curl") is None, reason="nginx or curl is not installed"
)

needs_nft = pytest.mark.skipif(
    not (nft := shutil.which("nft", path=f"{os.environ['PATH']}:/usr/sbin")),
    reason="nft is not installed",
)


def block(part: str) -> str:
    """Return the block of commands on the page that has a part, which no other has."""
    lines = PAGE.read_text().splitlines()
    found = [
        text
        for number, line in enumerate(lines)
        if line.startswith(BLOCK) and part in (text := body(lines[number + 1 :], 0))
    ]
    assert len(found) == 1, f"{part!r} is in {len(found)} blocks"
    return found[0]


def run(commands: str, places: dict[str, str], **environment: str) -> str:
    """Run commands with other places than on a server; return what they say."""
    for documented, real in places.items():
        commands = commands.replace(documented, real)
    here = {"CURL": "", "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", PRELUDE + commands],
        env={**os.environ, **here, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=3 * DEADLINE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def options() -> list[str]:
    """Return the options that the page has an operator write."""
    found = re.search(r"^OPTIONS=(.*)$", block("OPTIONS="), re.MULTILINE)
    assert found is not None
    [words] = shlex.split(found[1])
    return shlex.split(words)


@pytest.fixture
def server(tmp_path: Path, options: list[str]) -> Iterator[Twistd]:
    """Run a server with these options."""
    with drop_server(tmp_path, LISTEN, *options) as server:
        server.wait_for("qabel-drop [^ ]+ is ready")
        yield server


def test_the_options(options: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """They fit what nginx is told, and the limits of its unit."""
    monkeypatch.setattr("sys.excepthook", None)
    parsed = Options()
    parsed.parseOptions([*options, "--admin", "tcp:9698:interface=127.0.0.1"])
    assert "127.0.0.1" in parsed.trusted
    unit = (ROOT / "packaging" / "systemd" / "system" / "qabel-drop.service").read_text()
    allowed = int(re.search(r"^LimitNOFILE=(\d+)$", unit, re.MULTILINE)[1])
    assert parsed.limits.within(allowed, is_chosen=True) == parsed.limits
    connections = int(re.search(r"worker_connections (\d+);/'", PAGE.read_text())[1])
    files = int(re.search(r"worker_rlimit_nofile (\d+);", PAGE.read_text())[1])
    assert 2 * parsed.limits.connections <= connections <= files / 2


def test_the_limits_of_nginx(tmp_path: Path) -> None:
    """The commands change a file such as Debian's."""
    conf = tmp_path / "nginx.conf"
    conf.write_text("worker_processes auto;\nevents {\n\tworker_connections 768;\n}\nhttp {}\n")
    commands = "".join(line for line in block("worker_rlimit").splitlines(True) if "sed" in line)
    run(commands, {"/etc/nginx": str(tmp_path)})
    text = conf.read_text()
    assert "\tworker_connections 8192;\n" in text
    assert text.startswith("worker_processes auto;\nworker_rlimit_nofile 16384;\n")
    (tmp_path / "site.conf").write_text("server_name drop.example.org; # drop.example.org\n")
    [naming] = [line for line in block("YOUR.NAME").splitlines() if "sed" in line]
    run(naming, {"/etc/nginx/conf.d/qabel-drop.conf": str(tmp_path / "site.conf")})
    conf = (ROOT / "packaging" / "nginx" / "qabel-drop.conf").read_text()
    assert not [line for line in conf.splitlines() if line.count("drop.example.org") > 1]


@needs_nft
def test_the_firewall() -> None:
    """The rules are those of nft."""
    path = ROOT / "packaging" / "nftables" / "drop-server.nft"
    assert nft is not None
    command = [nft, "--check", "--file", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=DEADLINE)
    if "Operation not permitted" in done.stderr:
        pytest.skip("this user may not check rules")
    assert (done.returncode, done.stderr) == (0, "")


@needs_nginx
def test_it_works(tmp_path: Path, server: Twistd) -> None:
    """What the page does to see that shows it, through nginx with TLS."""
    with Nginx(tmp_path, "qabel-drop", server.port("qabel-drop")) as nginx:
        to = f"--cacert {nginx.authority} --connect-to drop.example.org:443:127.0.0.1:{nginx.port}"
        said = run(block("Is this on?"), {}, CURL=to)
        assert '"lifetime": 604800' in said
        assert "Is this on?" in said
        env = {"SSL_CERT_FILE": str(nginx.authority)}
        with Daemon(tmp_path, "alice", env=env) as alice:
            alice.up()
            url = {"https://drop.example.org": f"https://localhost:{nginx.port}"}
            said = run(block("qabel server test"), url, QABEL_DATA_DIR=str(alice.directory))
            assert f"https://localhost:{nginx.port}" in said
    said = run(block("qabel-drop check"), {"/var/lib/qabel-drop": str(tmp_path / "data")})
    assert "is whole.\nIt has 2 messages in 2 drops" in said
    assert "Warning" not in said
    assert '{"status": "ok"}' in said


def test_a_backup_is_restored(tmp_path: Path, options: list[str]) -> None:
    """With the commands of the page, of a running server; what was killed leaves its log behind."""
    (tmp_path / "backups").mkdir()
    places = {
        "/var/lib/qabel-drop-backups": str(tmp_path / "backups"),
        "/var/lib/qabel-drop": str(tmp_path / "data"),
    }
    with drop_server(tmp_path, LISTEN, *options) as server:
        port = server.port("qabel-drop")
        assert post(port, b"before") == 200
        assert "Wrote " in run(block("qabel-drop backup"), places)
        assert post(port, b"after") == 200
        server.kill()
    said = run(block("qabel-drop restore"), places)
    assert said.splitlines()[0] == "systemctl stop qabel-drop"
    assert "1 message in 1 drop.\nsystemctl start qabel-drop" in said
    with drop_server(tmp_path, LISTEN, *options) as server:
        assert get(server.port("qabel-drop"))[0] == [b"before"]
    assert (tmp_path / "data" / "old" / "drops.sqlite").exists()
