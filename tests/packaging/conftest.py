"""What the tests of packaging share: the source distribution and the wheel of this tree."""

import os
import shutil
import subprocess
import sys
import sysconfig
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


def build_wheel(tree: Path, to: Path) -> None:
    """Build the wheel of a source tree, into another directory."""
    run(sys.executable, "-c", BUILD, "build_wheel", str(to), cwd=tree)


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
    build_wheel(sdist, sdist.parent)
    [path] = sdist.parent.glob("qabel-*.whl")
    return path


@pytest.fixture(scope="session")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel in an environment of its own, and return its Python.

    Its dependencies are those of this environment, added by a line in a .pth file: so nothing has
    to be downloaded, and still no file or plugin of the source tree can be found from there.
    """
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python]
    run(*pip, "install", "--quiet", "--no-index", "--no-deps", wheel, cwd=folder)
    [packages] = folder.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python
