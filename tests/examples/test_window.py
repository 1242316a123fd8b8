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

PAGE = """
import os, sys, time, tkinter
sys.path.insert(0, "examples")
import qabel.embed, window

if __name__ == "__main__":
    folder, drop_server, noted = sys.argv[1:]
    with qabel.embed.start(f"{folder}/Alice", modules=["chat"]) as daemon:
        me = daemon.call(lambda core: window.set_up(core, "Alice", drop_server))
        shown = window.Window(tkinter.Tk(), daemon, me)
        shown.page.invoke()
        for _ in range(300):
            if os.path.exists(noted):
                break
            time.sleep(0.1)
        url = open(noted).read()
        assert url.startswith(daemon.url + "/#"), url
"""

WEB_VIEW = """
import os

def create_window(title, url):
    with open(os.environ["NOTED"] + ".new", "w") as file:
        file.write(url)

def start():
    os.rename(os.environ["NOTED"] + ".new", os.environ["NOTED"])
"""
"""What pywebview has, as far as the window uses it."""

BROWSER = """
import os, re, sys
from urllib.parse import unquote, urlsplit

path = unquote(urlsplit(sys.argv[1]).path)
assert os.stat(path).st_mode & 0o077 == 0
with open(os.environ["NOTED"] + ".new", "w") as file:
    file.write(re.search(r'url=([^"]+)', open(path).read())[1])
os.rename(os.environ["NOTED"] + ".new", os.environ["NOTED"])
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


@pytest.mark.parametrize("kind", ["browser", "web view"])
def test_the_page_is_opened(tmp_path: Path, display: str, kind: str) -> None:
    """The button opens the page with a fresh code, and no argument of a process has it."""
    modules, noted = tmp_path / "modules", tmp_path / "noted"
    modules.mkdir()
    (modules / "browser.py").write_text(BROWSER)
    if kind == "web view":
        (modules / "webview.py").write_text(WEB_VIEW)
    (tmp_path / "page.py").write_text(PAGE)
    done = subprocess.run(
        [sys.executable, tmp_path / "page.py", tmp_path, "http://127.0.0.1:9", noted],
        cwd=ROOT,
        env={
            "DISPLAY": display,
            "PATH": "/usr/bin:/bin",
            "HOME": str(tmp_path),
            "PYTHONPATH": f"{ROOT}:{modules}",
            "BROWSER": f"{sys.executable} {modules / 'browser.py'} %s",
            "NOTED": str(noted),
        },
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
