"""``qabel open``: a browser comes in, and says that it is there."""

import json
import re
import stat
import sys
from pathlib import Path

import pytest

from qabel.cli import open as opening
from tests.cli.conftest import QabelCommand, call

BROWSER = """\
import http.client, json, re, sys
from urllib.parse import urlsplit

path = urlsplit(sys.argv[1]).path
with open(path) as file:
    url = re.search(r"url=([^\\"]+)", file.read())[1]
with open({noted!r}, "w") as file:
    json.dump([sys.argv[1:], path, url], file)
address, code = url.split("#")
connection = http.client.HTTPConnection(urlsplit(address).netloc)
body = json.dumps({{"code": code, "name": "a test"}})
connection.request("POST", "/console/sessions", body, {{"Content-Type": "application/json"}})
assert connection.getresponse().status == 201
"""
"""A browser that opens the file, as it is told to, and begins a session as the page does."""


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the directory for what lasts as long as the user is logged in."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    # It remembers the browser of this process.
    monkeypatch.delitem(sys.modules, "webbrowser", raising=False)
    return tmp_path


def test_a_browser(alice: QabelCommand, runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is shown a file that is gone afterwards; the code is among no arguments."""
    program, noted = runtime / "browser.py", runtime / "noted"
    program.write_text(BROWSER.format(noted=str(noted)))
    monkeypatch.setenv("BROWSER", f"{sys.executable} {program} %s")
    seen: list[int] = []
    show = opening._show

    def look(file: Path) -> bool:
        seen.append(stat.S_IMODE(file.stat().st_mode))
        return show(file)

    monkeypatch.setattr(opening, "_show", look)
    result = alice("open")
    assert (result.exit_status, result.out) == (0, "Qabel is open in a test.\n")
    arguments, path, url = json.loads(noted.read_text())
    assert seen == [0o600]
    code = url.partition("#")[2]
    assert len(code) == 32
    assert code not in " ".join(arguments) + result.out + result.err
    assert Path(path).is_relative_to(runtime)
    assert not Path(path).exists()


def test_a_browser_that_shows_nothing(
    alice: QabelCommand, runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address is printed after a while, and it is an error in the end."""
    monkeypatch.setenv("BROWSER", "true %s")
    monkeypatch.setattr(opening, "PATIENCE", 0.3)
    monkeypatch.setattr(opening, "TIME_TO_COPY", 0.6)
    result = alice("open")
    assert result.exit_status == 1
    assert re.search(r"^http://127\.0\.0\.1:[0-9]+/#[0-9a-f]{32}$", result.out, re.MULTILINE)
    assert "has not come yet" in result.err
    assert list(runtime.rglob("*.html")) == []


def test_where_there_is_no_screen(
    alice: QabelCommand, runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address is printed, as with --print."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    for arguments in (["open"], ["open", "--print"]):
        result = alice(*arguments)
        assert result.exit_status == 0
        assert re.fullmatch(r"http://127\.0\.0\.1:[0-9]+/#[0-9a-f]{32}\n", result.out)
    [made] = alice.json("open", "--print")
    assert made["url"].endswith("#" + made["code"])


def test_where_the_file_lies(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser in a snap sees no hidden directories."""
    monkeypatch.setattr(opening, "_is_snap", lambda: True)
    assert opening._folder() == Path.home()
    monkeypatch.setattr(opening, "_is_snap", lambda: False)
    assert opening._folder().is_relative_to(runtime)


def test_no_daemon(tmp_path: Path) -> None:
    """It says that none is running."""
    assert call("--data-dir", str(tmp_path), "open").exit_status == 3


def test_an_error_without_a_terminal(
    runtime: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who started it from a menu sees the error in the browser, and what to do."""
    shown: list[str] = []

    def show(file: Path) -> bool:
        shown.append(file.read_text())
        return True

    monkeypatch.setattr(opening, "_show", show)
    monkeypatch.setattr(opening, "TIME_TO_SEE", 0)
    nobody = ("--data-dir", str(tmp_path / "<none>"), "open")
    for name in opening.FROM_MENU:
        monkeypatch.delenv(name, raising=False)
    assert call(*nobody).exit_status == 3
    assert shown == []
    monkeypatch.setenv("XDG_ACTIVATION_TOKEN", "kwin-1")
    assert call(*nobody).exit_status == 3
    [page] = shown
    assert "No daemon is running" in page
    assert "&lt;none&gt;" in page
    assert list(runtime.rglob("*.html")) == []


@pytest.mark.parametrize(
    ("browser", "is_snap"),
    [("/snap/bin/firefox %s", True), ("/usr/bin/firefox:/snap/bin/firefox", False)],
)
def test_a_browser_in_a_snap(
    browser: str, monkeypatch: pytest.MonkeyPatch, *, is_snap: bool
) -> None:
    """It is found in what the user chose, with its arguments."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(Path, "is_dir", lambda path: str(path) == "/snap")
    monkeypatch.setenv("BROWSER", browser)
    assert opening._is_snap() is is_snap
