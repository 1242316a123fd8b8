"""What the tests of packaging share: the source distribution and the wheel of this tree."""

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.integration.processes import ROOT

KEPT_OUT = shutil.ignore_patterns(
    "__pycache__", "dropin.cache", ".*", "*.egg-info", "build", "dist", "_build"
)

BUILD = "import sys, setuptools.build_meta as backend; getattr(backend, sys.argv[1])(sys.argv[2])"
"""Builds in this environment, so that nothing has to be downloaded."""


ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
"""The environment of all subprocesses: they must not import the source tree by PYTHONPATH."""


def run(*command: str | Path, cwd: Path) -> str:
    """Run a program that must succeed, and return its output."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="session")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the source distribution from a copy of the tree, and return where it is unpacked."""
    folder = tmp_path_factory.mktemp("sdist")
    shutil.copytree(ROOT, folder / "tree", ignore=KEPT_OUT, symlinks=True)
    run(sys.executable, "-c", BUILD, "build_sdist", str(folder), cwd=folder / "tree")
    [archive] = folder.glob("qabel-*.tar.gz")
    with tarfile.open(archive) as content:
        content.extractall(folder, filter="data")
    return folder / archive.name.removesuffix(".tar.gz")


@pytest.fixture(scope="session")
def wheel(sdist: Path) -> Path:
    """Make the wheel from the source distribution, and return its file."""
    run(sys.executable, "-c", BUILD, "build_wheel", str(sdist.parent), cwd=sdist)
    [path] = sdist.parent.glob("qabel-*.whl")
    return path
