"""A headless Chromium, told what to do through a pipe (the Chrome DevTools protocol)."""

import fcntl
import json
import os
import shutil
import subprocess
import time
from base64 import b64decode
from pathlib import Path
from types import TracebackType
from typing import Any, Self

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

DEADLINE = 30.0


def find_browser() -> str | None:
    """Return the path of a browser, if this machine has one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One browser with one page. As a context manager it is ended, with all its processes."""

    def __init__(self, program: str, profile: Path) -> None:
        commands, self._to = os.pipe()
        self._from, answers = os.pipe()
        ends = [fcntl.fcntl(each, fcntl.F_DUPFD, 10) for each in (commands, answers)]

        def place() -> None:
            # It reads from descriptor 3, and writes to 4.
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        command = [
            *(program, "--headless", "--remote-debugging-pipe", "--no-first-run"),
            *("--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"),
            *("--disable-component-update", "--disable-sync", "--window-size=1100,1400"),
            f"--user-data-dir={profile}",
            # The sandbox cannot be had by root; the pages are our own.
            *(("--no-sandbox",) if os.geteuid() == 0 else ()),
            "about:blank",
        ]
        self._process = subprocess.Popen(
            command,
            pass_fds=(3, 4),
            preexec_fn=place,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for each in (commands, answers, *ends):
            os.close(each)
        os.set_blocking(self._from, False)
        self._number = 0
        self._received = b""
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        """What the page did, as the browser told of it."""

    def __enter__(self) -> Self:
        [page] = [
            each for each in self.ask("Target.getTargets")["targetInfos"] if each["type"] == "page"
        ]
        attached = self.ask("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.close(self._to)
        os.close(self._from)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, 9)
            self._process.wait(10)

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Have the browser do something, and give what came of it."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + DEADLINE
        while True:
            for answer in self._messages():
                if answer.get("id") == self._number:
                    assert "error" not in answer, answer
                    result: dict[str, Any] = answer["result"]
                    return result
                self.events.append(answer)
            assert time.monotonic() < end, f"no answer to {method}"
            assert self._process.poll() is None, "the browser has ended"
            time.sleep(0.005)

    def _messages(self) -> list[dict[str, Any]]:
        try:
            self._received += os.read(self._from, 1 << 20)
        except BlockingIOError:
            return []
        *whole, self._received = self._received.split(b"\0")
        return [json.loads(each) for each in whole]

    def run(self, script: str) -> Any:
        """Run JavaScript in the page, wait for it, and give its value."""
        done = self.ask(
            "Runtime.evaluate",
            expression=script,
            returnByValue=True,
            awaitPromise=True,
            allowUnsafeEvalBlockedByCSP=False,
        )
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def until(self, script: str) -> Any:
        """Run JavaScript again and again until it gives something true, and give that."""
        end = time.monotonic() + DEADLINE
        while not (value := self.run(script)):
            assert time.monotonic() < end, f"waited for {script}"
            time.sleep(0.02)
        return value

    def open(self, url: str) -> None:
        """Go to a page."""
        self.ask("Page.navigate", url=url)

    def requested(self) -> list[str]:
        """Return the URLs of all that was asked for since the beginning."""
        self.run("0")
        return [
            each["params"]["request"]["url"]
            for each in self.events
            if each.get("method") == "Network.requestWillBeSent"
        ]

    def troubles(self) -> list[str]:
        """Return what the page complained of: errors, and what its policy did not allow."""
        self.run("0")
        return [
            str(each["params"])
            for each in self.events
            if each.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown")
        ]

    def picture(self, path: Path) -> None:
        """Keep what the page looks like."""
        path.write_bytes(b64decode(self.ask("Page.captureScreenshot", format="png")["data"]))
