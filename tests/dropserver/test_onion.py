"""The lines for Tor's configuration: they lead to the drop server, and Tor itself accepts them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from qabel.dropserver.onion import SERVICE_DIRECTORY, tor_configuration
from qabel.host.endpoints import parse_endpoint
from qabel.host.start_errors import StartError
from tests.integration.processes import Twistd

OPERATING = Path(__file__).parents[2] / "docs" / "operating.rst"


def lines(*descriptions: str) -> list[str]:
    """Return the lines for endpoints, without comments."""
    text = tor_configuration(map(parse_endpoint, descriptions))
    return [line for line in text.splitlines() if not line.startswith("#")]


@pytest.mark.parametrize(
    ("descriptions", "target"),
    [
        (["tcp:9697:interface=127.0.0.1"], "127.0.0.1:9697"),
        (["tcp:port=9697:interface=localhost"], "127.0.0.1:9697"),
        ([r"tcp6:9697:interface=\:\:1"], "[::1]:9697"),
        (["unix:/run/qabel/drop.sock"], "unix:/run/qabel/drop.sock"),
        (["unix:/run/my drops/sock"], 'unix:"/run/my drops/sock"'),
        (["tcp:0:interface=127.0.0.1", "tcp:1:interface=127.0.0.1"], "127.0.0.1:1"),
    ],
)
def test_targets(descriptions: list[str], target: str) -> None:
    """The service leads to the first endpoint that Tor can connect to."""
    assert lines(*descriptions) == [
        f"HiddenServiceDir {SERVICE_DIRECTORY}",
        f"HiddenServicePort 80 {target}",
        "HiddenServicePoWDefensesEnabled 1",
    ]


@pytest.mark.parametrize(
    "description",
    [
        "tcp:9697",
        "tcp:0:interface=127.0.0.1",
        "tcp:9697:interface=192.0.2.1",
        "ssl:9697:interface=127.0.0.1:privateKey=k",
        "systemd:domain=UNIX:index=0",
        "unix:/run/a\\:b\nHiddenServiceDir /",
    ],
)
def test_no_target(description: str) -> None:
    """An endpoint that Tor cannot connect to, or that cannot be written down, is an error."""
    with pytest.raises(StartError, match=r"--onion|service manager"):
        lines(description)


def accepts(folder: Path, configuration: str) -> None:
    """Have Tor read a configuration; skip if it is not installed."""
    tor = shutil.which("tor", path="/usr/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin")
    if tor is None:
        pytest.skip("Tor is not installed, so it cannot read the configuration.")
    folder.chmod(0o700)
    file = folder / "torrc"
    data = configuration.replace("/var/lib/tor", str(folder))
    file.write_text(f"DataDirectory {folder}\n{data}")
    done = subprocess.run(
        [tor, "--verify-config", "--defaults-torrc", "/dev/null", "-f", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    warnings = [line for line in done.stdout.splitlines() if "[warn]" in line]
    assert [line for line in warnings if "running Tor as root" not in line] == []


@pytest.mark.parametrize(
    "listen", ["tcp:9697:interface=127.0.0.1", r"tcp6:9697:interface=\:\:1", "unix:/a b/sock"]
)
def test_tor_accepts_it(tmp_path: Path, listen: str) -> None:
    """Tor understands the lines that the command prints."""
    arguments = ("qabel-drop", f"--data-dir={tmp_path / 'data'}", f"--listen={listen}", "--onion")
    with Twistd(tmp_path / "process", *arguments) as printing:
        assert printing.ended() == 0
    accepts(tmp_path, printing.log)
    assert "HiddenServicePort 80" in printing.log
    assert not (tmp_path / "data").exists()


def test_tor_accepts_the_documentation(tmp_path: Path) -> None:
    """Tor understands what the documentation says of its configuration."""
    blocks = re.findall(r"\.\. code-block:: text\n\n((?: {4}.*\n)+)", OPERATING.read_text("utf-8"))
    [found] = [each for each in blocks if "SocksPort" in each]
    accepts(tmp_path, "".join(line.strip() + "\n" for line in found.splitlines()))
