"""The lines that follow events in a web page: in node, and in a page of another origin."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.clients.conftest import EXAMPLES
from tests.integration.daemons import Daemon
from tests.integration.processes import wait_until
from tests.rest.browser import Browser, find_browser

FOLLOW = EXAMPLES / "follow.js"

PROGRAM = """
import { follow } from "./follow.mjs";
const [url, token, cursor] = process.argv.slice(2);
for await (const event of follow(url, token, cursor)) console.log(JSON.stringify(event));
"""


def change(daemon: Daemon, number: int) -> None:
    """Make an event."""
    daemon.api.good("PUT", "/settings", {"key": "module_data.test", "value": {"n": number}})


def test_follow_in_node(daemon: Daemon, port: int, node: str, tmp_path: Path) -> None:
    """Each event comes once, also after the daemon was away; a wrong token ends it."""
    url = f"http://127.0.0.1:{port}"
    (tmp_path / "follow.mjs").write_bytes(FOLLOW.read_bytes())
    (tmp_path / "program.mjs").write_text(PROGRAM)
    command = [node, "program.mjs", url]
    wrong = subprocess.run(
        [*command, "wrong", "0"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Missing or invalid token" in wrong.stderr
    output = tmp_path / "events"
    with output.open("wb") as out:
        process = subprocess.Popen([*command, daemon.api.token, "0"], cwd=tmp_path, stdout=out)
    try:
        change(daemon, 1)
        before = wait_until(lambda: settings_events(output, 2), "the first events")
        daemon.stop()
        daemon.again()
        change(daemon, 2)
        after = wait_until(lambda: settings_events(output, 3), "the event after the restart")
    finally:
        process.kill()
        process.wait(10)
    assert after[:2] == before
    assert len({each["id"] for each in after}) == 3


def settings_events(output: Path, count: int) -> list[dict[str, object]] | None:
    """Return the events of one kind in a file, if there are so many."""
    lines = output.read_text().splitlines(keepends=True)
    events = [json.loads(line) for line in lines if line.endswith("\n")]
    found = [each for each in events if each["event"] == "settings"]
    return found if len(found) >= count else None


def test_follow_in_a_web_page(daemon: Daemon, port: int, origin: str, tmp_path: Path) -> None:
    """A page of an allowed origin sees events as they happen, and can do all that others can."""
    program = find_browser()
    if program is None:
        pytest.skip("there is no Chromium on this machine (Debian's package: chromium)")
    url = f"http://127.0.0.1:{port}"
    change(daemon, 1)
    with Browser(program, tmp_path / "profile") as browser:
        browser.open(f"{origin}/")
        browser.until('document.readyState === "complete" && location.protocol === "http:"')
        browser.run(
            f"""(async () => {{
                const {{ follow }} = await import("/follow.js");
                window.found = [];
                const all = async () => {{
                    for await (const event of follow("{url}", "{daemon.api.token}", "0")) {{
                        found.push(event.event);
                    }}
                }};
                all();
            }})()"""
        )
        seen = "found.filter((each) => each === 'settings').length"
        browser.until(f"{seen} === 2")
        headers = json.dumps({"Authorization": f"Bearer {daemon.api.token}"})
        etag = f"""fetch("{url}/settings", {{ headers: {headers} }})
            .then((response) => response.headers.get("ETag"))"""
        assert browser.run(etag)
        update = f"""fetch("{url}/settings", {{
            method: "PUT",
            headers: {{ ...{headers}, "Content-Type": "application/json", "If-Match": "*" }},
            body: '{{"key": "module_data.test", "value": {{"n": 2}}}}',
        }}).then((response) => response.status)"""
        assert browser.run(update) == 200
        browser.until(f"{seen} === 3")


def test_other_pages_are_rejected(daemon: Daemon, port: int, origin: str, tmp_path: Path) -> None:
    """A page of another origin learns nothing, even with the token."""
    program = find_browser()
    if program is None:
        pytest.skip("there is no Chromium on this machine (Debian's package: chromium)")
    with Browser(program, tmp_path / "profile") as browser:
        browser.open(origin.replace("pages.", "others.") + "/")
        browser.until('document.readyState === "complete" && location.protocol === "http:"')
        headers = json.dumps({"Authorization": f"Bearer {daemon.api.token}"})
        ask = f"""fetch("http://127.0.0.1:{port}/settings", {{ headers: {headers} }})
            .then((response) => response.status, (problem) => problem.name)"""
        assert browser.run(ask) == "TypeError"
