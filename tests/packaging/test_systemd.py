"""The units of systemd: it can read them, and it finds the services well shut in."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNITS = Path(__file__).parents[2] / "packaging" / "systemd"
INSTALLED = re.compile(r"^ExecStart=/opt/qabel/bin/qabel-(?:rest|drop|block)(?= |$)", re.MULTILINE)

pytestmark = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


def analyze(*arguments: str, cwd: Path) -> str:
    """Run ``systemd-analyze``, and give what it says; fails if it finds fault."""
    done = subprocess.run(
        ["systemd-analyze", *arguments],
        cwd=cwd,
        env={"PATH": "/usr/bin:/bin", "XDG_RUNTIME_DIR": str(cwd), "LC_ALL": "C"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def units(tmp_path: Path, kind: str) -> list[str]:
    """Lay out the units as if they were installed for this Python; return their paths."""
    for unit in (UNITS / kind).iterdir():
        text = unit.read_text()
        text, number = INSTALLED.subn(f"ExecStart={sys.executable}", text)
        assert number == (unit.suffix == ".service")
        (tmp_path / unit.name).write_text(text)
    return [f"./{each.name}" for each in tmp_path.iterdir() if each.suffix != ".sysusers"]


@pytest.mark.parametrize(("kind", "manager"), [("system", "--system"), ("user", "--user")])
def test_systemd_reads_them(tmp_path: Path, kind: str, manager: str) -> None:
    """Every line is known, and says something possible."""
    assert not analyze("verify", "--man=no", manager, *units(tmp_path, kind), cwd=tmp_path)


def test_the_timer() -> None:
    """It comes each day."""
    timer = (UNITS / "system" / "qabel-drop-backup.timer").read_text()
    [when] = re.findall(r"^OnCalendar=(.*)$", timer, re.MULTILINE)
    assert "Normalized form: *-*-* 00:00:00" in analyze("calendar", when, cwd=Path("/"))


@pytest.mark.parametrize("name", ["qabel-rest", "qabel-drop", "qabel-drop-backup", "qabel-block"])
def test_the_services_are_shut_in(tmp_path: Path, name: str) -> None:
    """What a service could do beyond its work is little, in the measure of systemd: 0 to 10."""
    units(tmp_path, "system")
    said = analyze("security", "--offline=true", "--no-pager", f"./{name}.service", cwd=tmp_path)
    exposure = re.search(r"Overall exposure level for .*: (\d+\.\d)", said)
    assert exposure is not None
    assert float(exposure[1]) < 1.5
