"""The container image and the compose file: what they copy, run and ask for is there and works.

An image needs a base from a registry, so that none is built here: ``packaging/container/try`` does.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.integration.processes import DEADLINE, wait_until
from tests.packaging.conftest import ENVIRONMENT, ROOT, build_wheel
from tests.packaging.test_wheel import sums

yaml = pytest.importorskip("yaml")

CONTAINER = ROOT / "packaging" / "container"
INSTRUCTIONS = re.sub(r"\\\n\s*", "", (CONTAINER / "Containerfile").read_text())


def instructions(name: str) -> list[str]:
    """Return what follows an instruction of the Containerfile, each time that it is there."""
    return re.findall(rf"^{name} (.*)$", INSTRUCTIONS, re.MULTILINE)


def environment_variables() -> dict[str, str]:
    """Return the variables that the image sets."""
    [line] = instructions("ENV")
    return dict(each.split("=", 1) for each in line.split())


def services() -> dict[str, dict[str, Any]]:
    """Return the services of the compose file."""
    found: dict[str, dict[str, Any]] = yaml.safe_load((CONTAINER / "compose.yaml").read_text())[
        "services"
    ]
    return found


def commands() -> list[list[str]]:
    """Return the commands that containers run, with any free port instead of those they have."""
    [default] = instructions("CMD")
    of_services = [each["command"] for each in services().values()]
    found = [json.loads(default), *of_services, ["qabel-block"]]
    return [
        [re.sub(r"^tcp:\d+", "tcp:0:interface=127.0.0.1", each) for each in command]
        for command in found
    ]


def check_health(variables: Mapping[str, str], *port: str) -> int:
    """Return the exit status of the image's health check."""
    return subprocess.run(
        [sys.executable, CONTAINER / "healthcheck", *port],
        env=variables,
        stderr=subprocess.DEVNULL,
        check=False,
        timeout=DEADLINE,
    ).returncode


def test_what_is_copied_is_all_that_is_needed(wheel: Path, tmp_path: Path) -> None:
    """From the files that the image is built from comes the very wheel that is distributed."""
    for line in instructions("COPY"):
        if line.startswith("--from"):
            continue
        *sources, target = line.split()
        for source in sources:
            place = tmp_path / target.lstrip("/")
            assert (ROOT / source).exists()
            if (ROOT / source).is_dir():
                ignored = shutil.ignore_patterns("__pycache__", "dropin.cache")
                shutil.copytree(ROOT / source, place, ignore=ignored)
            elif target.endswith("/"):
                place.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / source, place)
    build_wheel(tmp_path / "source", tmp_path)
    [built] = tmp_path.glob("*.whl")
    assert {name: crc for name, crc in sums(built).items() if "RECORD" not in name} == {
        name: crc for name, crc in sums(wheel).items() if "RECORD" not in name
    }


def test_nothing_runs_as_root() -> None:
    """Programs run as a user with a number, and have a volume for all that they write."""
    [user] = instructions("USER")
    assert re.fullmatch(r"[1-9]\d{4}:[1-9]\d{4}", user)
    [volume] = instructions("VOLUME")
    variables = environment_variables()
    for name in ("QABEL_DATA_DIR", "QABEL_DROP_DATA_DIR", "QABEL_BLOCK_DATA_DIR"):
        assert variables[name] == volume
    for service in services().values():
        assert [each.split(":")[1] for each in service["volumes"]] == [volume]
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]


def test_the_compose_file_names_what_there_is() -> None:
    """Its volumes are declared, and it builds the image from the Containerfile."""
    document = yaml.safe_load((CONTAINER / "compose.yaml").read_text())
    volumes = {each.split(":")[0] for one in services().values() for each in one["volumes"]}
    assert volumes == set(document["volumes"])
    for service in services().values():
        context = (CONTAINER / service["build"]["context"]).resolve()
        assert (context / service["build"]["dockerfile"]).samefile(CONTAINER / "Containerfile")


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_each_command_runs_healthily_and_stops(
    command: list[str], environment: Path, tmp_path: Path
) -> None:
    """What containers run starts, is healthy by the image's own check, and stops when asked to."""
    data = tmp_path / "data"
    variables = {
        **ENVIRONMENT,
        **{name: str(data) for name in environment_variables() if name.endswith("DATA_DIR")},
        "PATH": f"{environment.parent}:{os.environ['PATH']}",
    }
    name = command[0]
    at_a_free_port = ["--listen", "tcp:0:interface=127.0.0.1"] if len(command) == 1 else []
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [environment.with_name(name), *command[1:], *at_a_free_port],
            cwd=tmp_path,
            env=variables,
            stdout=output,
            stderr=output,
        )
    try:
        pattern = rf"{name} listens on 127\.0\.0\.1:(\d+)"
        found = wait_until(lambda: re.search(pattern, log.read_text()), f"{name} to listen")
        assert check_health(variables, found[1]) == 0
        process.terminate()
        assert process.wait(DEADLINE) == 0
        assert check_health(variables, found[1]) == 1
    finally:
        process.kill()
        process.wait(DEADLINE)
