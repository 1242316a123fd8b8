"""Packages of third parties, as the tests install them."""

from pathlib import Path

from tests.integration.processes import ROOT

ENTRIES = """
[qabel.modules]
chat = qabel.modules.chat.module:module
notify = qabel.modules.notify.module:module
probe = qabel_probe:probe
helper = qabel_probe:helper
rival = qabel_probe:rival
"""


def installed(folder: Path) -> dict[str, str]:
    """Install the packages below a folder; return the environment of a daemon that finds them."""
    site = folder / "site"
    info = site / "qabel_probe-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: qabel-probe\nVersion: 1\n")
    (info / "entry_points.txt").write_text(ENTRIES)
    (site / "qabel_probe.py").write_text(Path(__file__).with_name("qabel_probe.py").read_text())
    return {"PYTHONPATH": f"{site}:{ROOT}"}
