"""Two people in real browsers, with daemons of their own and a drop server."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

from tests.integration.daemons import serving_drops
from tests.integration.processes import ROOT, Twistd

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


@define(eq=False)
class Someone:
    """Somebody with a daemon and a browser."""

    folder: Path
    context: Any
    options: tuple[str, ...] = ()
    environment: dict[str, str] = field(factory=dict)
    """Of the daemon, beside that of the tests."""
    port: int = 0
    daemon: Twistd | None = None
    said: list[str] = field(factory=list)
    """What the browser's console has, which must be nothing."""
    refused: set[int] = field(factory=set)
    """The statuses of errors that a test brings about, of which the browser's console tells."""
    asked: list[str] = field(factory=list)
    """The addresses of all requests."""

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "data"

    def starts(self) -> None:
        """Start the daemon, on the same port each time."""
        listen = f"tcp:{self.port}:interface=127.0.0.1"
        self.daemon = Twistd(
            self.folder / "logs", "qabel-rest", "--module=chat", f"--listen={listen}",
            f"--data-dir={self.data}", *self.options, env=self.environment,
        )  # fmt: skip
        self.port = self.daemon.port("qabel-rest")
        self.daemon.wait_for(r"listens on .*rest\.sock")

    def dies(self) -> None:
        """Kill the daemon."""
        assert self.daemon is not None
        self.daemon.kill()

    def command(self, *arguments: str) -> str:
        """Run ``qabel``, which must succeed, and return its output."""
        done = subprocess.run(
            [sys.executable, "-m", "qabel", "--data-dir", self.data, *arguments],
            capture_output=True, text=True, check=False, cwd=ROOT, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def page(self) -> Any:
        """Open the page with a new session."""
        page = self.context.new_page()
        page.set_default_timeout(40_000)
        page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(self.command("open", "--print"))
        return page


Browsers = Callable[..., Any]


@pytest.fixture(scope="session")
def browsers() -> Iterator[Browsers]:
    """Return a function that starts a browser, with options for it."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    with playwright.sync_playwright() as driver, contextlib.ExitStack() as stack:

        def start(*options: str) -> Any:
            browser = launch(driver, *options)
            stack.callback(browser.close)
            return browser

        yield start


@pytest.fixture(scope="session")
def chromium(browsers: Browsers) -> Any:
    """Run a browser."""
    return browsers()


def launch(driver: Any, *options: str) -> Any:
    """Start a browser."""
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    return driver.chromium.launch(executable_path=CHROMIUM, args=[*sandbox, *options])


@pytest.fixture(scope="session")
def drop_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a drop server, and return its URL."""
    with serving_drops(tmp_path_factory.mktemp("drops")) as url:
        yield url


def moved(clock: Path) -> dict[str, str]:
    """Return the environment of a daemon whose clock is moved by what stands in a file: seconds."""
    folder = Path(__file__).with_name("moved_clock")
    return {"MOVED_CLOCK": str(clock), "PYTHONPATH": f"{folder}:{os.environ.get('PYTHONPATH', '')}"}


Come = Callable[..., Someone]


@pytest.fixture
def someone(chromium: Any, tmp_path: Path) -> Iterator[Come]:
    """Return a function that makes somebody, whose daemon runs."""
    made: list[Someone] = []
    with contextlib.ExitStack() as stack:

        def come(
            name: str,
            *options: str,
            browser: Any = None,
            environment: dict[str, str] | None = None,
            **context: Any,
        ) -> Someone:
            opened = (browser or chromium).new_context(**{"locale": "en", **context})
            stack.callback(opened.close)
            one = Someone(tmp_path / name, opened, options, environment or {})
            one.starts()
            made.append(one)
            stack.callback(lambda: one.daemon is not None and one.daemon.kill())
            return one

        yield come
    for each in made:
        # That a daemon does not answer, or with an error, is said by the browser itself.
        ours = ("net::ERR_", *(f"responded with a status of {status} " for status in each.refused))
        assert [said for said in each.said if not any(part in said for part in ours)] == []
        own = f"http://127.0.0.1:{each.port}/"
        assert [url for url in each.asked if not url.startswith((own, "blob:"))] == []
