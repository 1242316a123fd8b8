"""The window of the tutorial: two of them on a real display exchange contacts, and talk."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.processes import ROOT, Twistd

pytest.importorskip("tkinter", reason="this Python has no tkinter")

SCRIPT = """
import sys, tkinter
sys.path.insert(0, "examples")
import qabel.embed, window

folder, drop_server = sys.argv[1:]
root = tkinter.Tk()
windows = []
for name in ("Alice", "Bob"):
    daemon = qabel.embed.start(f"{folder}/{name}")
    me = daemon.call(lambda core: window.set_up(core, name, drop_server))
    windows.append(window.Window(tkinter.Toplevel(root), daemon, me))
alice, bob = windows
root.after(60000, lambda: sys.exit("nothing was heard"))

def meet():
    for one, other in ((alice, bob), (bob, alice)):
        other.copy()
        one.paste()
    alice.line.insert(0, "Hello Bob")
    alice.say()
    listen()

def listen():
    if bob.said.get("1.0", "end").strip() == "Alice: Hello Bob":
        root.quit()
    else:
        root.after(50, listen)

root.after(0, meet)
root.mainloop()
assert alice.said.get("1.0", "end").strip() == "Alice: Hello Bob"
for each in windows:
    each.daemon.stop()
"""


@pytest.fixture
def display() -> Iterator[str]:
    """Return a display that nobody sees."""
    if shutil.which("Xvfb") is None:
        pytest.skip("Xvfb is not installed")
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", "800x600x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        assert server.stdout is not None
        yield f":{server.stdout.readline().decode().strip()}"
        server.terminate()


def test_two_windows_talk(tmp_path: Path, display: str) -> None:
    """What is typed into one is shown in the other, after contacts went by the clipboard."""
    with Twistd(
        tmp_path,
        "qabel-drop",
        f"--data-dir={tmp_path / 'drops'}",
        "--listen=tcp:0:interface=127.0.0.1",
    ) as server:
        drop_server = f"http://127.0.0.1:{server.port('qabel-drop')}"
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(tmp_path), drop_server],
            cwd=ROOT,
            env={"DISPLAY": display, "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
    assert done.returncode == 0, done.stderr
