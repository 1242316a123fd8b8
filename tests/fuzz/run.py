"""Fuzzing a real daemon by its own contract: it gives no answer that the contract does not know."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from attrs import frozen

from tests.integration.client import Api
from tests.integration.processes import ROOT, Twistd

HERE = Path(__file__).parent

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
)

SYSTEMATIC = 1000
"""From so many requests on, every limit that the contract names is tried, too."""

LONGEST = 3600.0
"""Seconds that a run may take."""


@frozen
class Result:
    """What came of a run."""

    requests: int
    statuses: dict[int, int]
    failures: int
    text: str


def fuzz(directory: Path, *, cases: int, seed: int) -> Result:
    """Start a daemon that has people, messages and sends; ask it about so many things."""
    data = directory / "data"
    with Twistd(
        directory / "logs",
        "qabel-rest",
        f"--data-dir={data}",
        "--listen=tcp:0:interface=127.0.0.1",
        "--drop-server=tcp:0:interface=127.0.0.1",
        env={"PYTHONPATH": str(HERE / "confined")},
    ) as daemon:
        port = daemon.port("qabel-rest")
        furnish(Api(data), f"http://127.0.0.1:{daemon.port('qabel-drop')}")
        result = _ask(directory, data, port, cases, seed)
        log = daemon.log
        assert daemon.process.poll() is None, daemon.errors
        assert Api(data).ask("GET", "/health?live").status == 200
    incidents = re.findall(r"Incident .*|Unhandled .*|Traceback .*", log)
    text = result.text + "".join(f"\nIn the daemon's log: {line}" for line in incidents)
    return Result(result.requests, result.statuses, result.failures + len(incidents), text)


def furnish(api: Api, drop_server: str) -> None:
    """Have two people who know each other, and one message from one to the other."""
    api.meet("Alice", drop_server)
    bob = api.good("POST", "/identities", {"alias": "Bob"})
    card = {"alias": "Bob", "public_key": bob["public_key"], "drop_urls": bob["drops"]}
    api.good("POST", "/contacts?identity=1", card)
    message = {"model_object": "chat", "data": {"msg": "Hello"}}
    api.good("POST", "/drop", {"sender": 1, "recipients": [1], "drop_message": message})
    api.good("POST", "/tokens", {"name": "reader", "scopes": ["read"]})
    api.good("POST", "/webhooks", {"url": "http://127.0.0.1:9/", "kinds": ["drop"]})


def _ask(directory: Path, data: Path, port: int, cases: int, seed: int) -> Result:
    contract = Api(data).good("GET", "/openapi.json")
    operations = sum(len(each) for each in contract["paths"].values())
    report = directory / "report.ndjson"
    # The systematic cases alone are some thousands.
    phases = "examples,coverage,fuzzing" if cases >= SYSTEMATIC else "examples,fuzzing"
    command = [
        *(sys.executable, "-m", "schemathesis.cli"),
        *("--config-file", str(HERE / "schemathesis.toml")),
        *("run", f"http://127.0.0.1:{port}/openapi.json"),
        *("--checks", ",".join(CHECKS), "--phases", phases),
        *("--max-examples", str(max(1, cases // operations)), "--seed", str(seed)),
        # Its answer has no end.
        *("--exclude-operation-id", "streamEvents"),
        *("--report", "ndjson", "--report-ndjson-path", str(report), "--warnings", "off"),
        *("--request-timeout", "20", "--continue-on-failure", "--generation-database", "none"),
        *("--suppress-health-check", "all", "--no-color"),
    ]
    env = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "SCHEMATHESIS_HOOKS": "tests.fuzz.hooks",
        "QABEL_FUZZ_TOKEN": str(data / "api-token"),
    }
    done = subprocess.run(
        command,
        cwd=directory,
        env=env,
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    return _read(report, done)


def _read(report: Path, done: "subprocess.CompletedProcess[str]") -> Result:
    """Count what was asked and answered; the tool's own words are kept if anything failed."""
    statuses: Counter[int] = Counter()
    lost = 0
    if report.exists():
        for line in report.read_text().splitlines():
            recorder = json.loads(line).get("ScenarioFinished", {}).get("recorder", {})
            for each in recorder.get("interactions", {}).values():
                answer = each.get("response")
                if answer is None:
                    lost += 1
                else:
                    statuses[answer["status_code"]] += 1
    if done.returncode == 0 and not lost:
        return Result(statuses.total(), dict(sorted(statuses.items())), 0, "")
    found = re.findall(r"Test Case ID", done.stdout)
    text = done.stdout[-20_000:] + done.stderr[-2000:]
    failures = max(1, len(found) + lost)
    return Result(statuses.total(), dict(sorted(statuses.items())), failures, text)
