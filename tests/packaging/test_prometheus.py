"""What Prometheus is given works: the alerts, how to fetch the metrics, the metrics themselves."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from qabel.core.status.troubles import TroubleKind
from tests.integration.daemons import ANYWHERE, Daemon
from tests.integration.processes import DEADLINE, ROOT

FILES = ROOT / "packaging" / "prometheus"
RULES = FILES / "qabel.rules.yml"

PROMTOOL = shutil.which("promtool")

needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")


def promtool(*arguments: str, text: str = "") -> str:
    """Run promtool, and return what it writes; fails if it finds fault."""
    assert PROMTOOL is not None
    done = subprocess.run(
        [PROMTOOL, *arguments],
        cwd=FILES,
        input=text,
        capture_output=True,
        check=False,
        text=True,
        timeout=DEADLINE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("job", ["qabel", "qabel-drop"])
@needs_promtool
def test_the_alerts(job: str) -> None:
    """The rules are valid, and each alerts when it should, and not before."""
    rules, test = f"{job}.rules.yml", f"{job}.rules.test.yml"
    assert "SUCCESS" in promtool("check", "rules", rules)
    assert "SUCCESS" in promtool("test", "rules", test)
    tested = (FILES / test).read_text()
    for alert in re.findall(r"alert: (\w+)", (FILES / rules).read_text()):
        assert f"alertname: {alert}\n        exp_alerts" in tested


@pytest.mark.parametrize("job", ["qabel", "qabel-drop"])
@needs_promtool
def test_how_to_fetch(job: str, tmp_path: Path) -> None:
    """The configuration is valid where the rules and the token are."""
    token = tmp_path / "qabel.token"
    token.write_text("token\n")
    text = (FILES / f"{job}.scrape.yml").read_text()
    (tmp_path / "prometheus.yml").write_text(
        text.replace("/etc/prometheus/qabel.token", str(token))
    )
    shutil.copy(FILES / f"{job}.rules.yml", tmp_path)
    assert "1 rule files found" in promtool("check", "config", str(tmp_path / "prometheus.yml"))


def test_the_rules_are_about_metrics_that_there_are() -> None:
    """Every metric and kind of trouble in the rules is one that the daemon has."""
    text = RULES.read_text()
    known = (ROOT / "tests" / "golden" / "metrics.txt").read_text()
    metrics = set(re.findall(r"\bqabel_\w+", text))
    assert metrics
    assert {each for each in metrics if f"# TYPE {each} " not in known} == set()
    [kinds] = re.findall(r'kind!~"([\w|]+)"', text)
    assert set(kinds.split("|")) <= {each.value for each in TroubleKind}


@needs_promtool
def test_the_metrics(tmp_path: Path) -> None:
    """They are valid, and have the URL of the drop server for a label, but no drop."""
    with Daemon(tmp_path, "alice", f"--drop-server={ANYWHERE}") as alice:
        drop = alice.up().process.port("qabel-drop")
        url = f"http://127.0.0.1:{drop}"
        contact = alice.live(url)
        text = str(alice.api.ask("GET", "/metrics").body)
        assert f'qabel_drop_server_failures{{server="{url}"}}' in text
        for each in contact["drop_urls"]:
            assert each.rpartition("/")[2] not in text
    assert promtool("check", "metrics", text=text) == ""
