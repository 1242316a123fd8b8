"""The code in README.rst and docs/ works: each page is run against a daemon of its own.

The ``shell`` blocks of a page are one script, and its ``python`` blocks are programs that the
script runs. A command that ends with a status other than 0 fails, and so does a ``curl`` that gets
an error. A comment can change how the next block is handled::

    .. snippet: skip, and the reason why it cannot run here

    .. snippet: setup

        commands that run before the block, and are not shown
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import frozen

from tests.integration.processes import ROOT, Twistd

RUN = ("shell", "python")

PRELUDE = """
set -Eeuo pipefail
trap 'echo "failed: $SNIPPET" >&2' ERR
curl() { command curl --fail-with-body --silent --show-error "$@"; }
"""

BLOCK = re.compile(r"( *)\.\. (?:code-block:: (\w+)|snippet: (\w+)(.*))$")


@frozen
class Snippet:
    """A block of code on a page."""

    where: str
    language: str
    text: str


def pages() -> list[Path]:
    """Return all pages that have blocks of code."""
    found = [ROOT / "README.rst", *sorted((ROOT / "docs").rglob("*.rst"))]
    return [page for page in found if any(snippets(page))]


def snippets(page: Path) -> Iterator[Snippet]:
    """Yield the blocks of a page that are to be run, in order."""
    lines = page.read_text().splitlines()
    skip = False
    for number, line in enumerate(lines):
        found = BLOCK.match(line)
        if found is None:
            continue
        indent, language, order, reason = found.groups()
        where = f"{page.relative_to(ROOT)}:{number + 1}"
        if order == "skip":
            assert len(reason) > 10, f"{where}: the reason is missing"
            skip = True
        elif order == "setup":
            yield Snippet(where, "shell", body(lines[number + 1 :], len(indent)))
        else:
            assert order is None, f"{where}: unknown order {order}"
            if language in RUN and not skip:
                yield Snippet(where, language, body(lines[number + 1 :], len(indent)))
            skip = False


def body(lines: list[str], indent: int) -> str:
    """Return the text of a block: all lines that are indented deeper than its first line."""
    taken = []
    for line in lines:
        if line.strip() and len(line) - len(line.lstrip()) <= indent:
            break
        if not taken and re.match(r" +:[\w-]+:", line):
            continue
        taken.append(line)
    depth = min(len(line) - len(line.lstrip()) for line in taken if line.strip())
    return "\n".join(line[depth:] for line in taken).strip() + "\n"


def script(page: Path, folder: Path, ports: dict[str, int]) -> str:
    """Return the blocks of a page as one script, with the ports that the daemon really has."""
    parts = [PRELUDE]
    for number, snippet in enumerate(snippets(page)):
        text = snippet.text
        for documented, real in ports.items():
            text = re.sub(rf"\b{documented}\b", str(real), text)
        if snippet.language == "python":
            program = folder / f"program-{number}.py"
            program.write_text(text)
            text = f"python {program}\n"
        parts.append(f"SNIPPET={snippet.where}\n{text}")
    return "\n".join(parts)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_code_on_page_works(page: Path, tmp_path: Path) -> None:
    """All blocks of a page run in an empty directory without an error."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    data = tmp_path / ".run" / "daemon"
    with Twistd(
        tmp_path / "process",
        "qabel-rest",
        f"--data-dir={data}",
        "--listen=tcp:0:interface=127.0.0.1",
        "--drop-server=tcp:0:interface=127.0.0.1",
    ) as daemon:
        ports = {"9696": daemon.port("qabel-rest"), "9697": daemon.port("qabel-drop")}
        daemon.wait_for(r"qabel-rest listens on .*rest\.sock")
        commands = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-c", script(page, tmp_path, ports)],
            cwd=tmp_path,
            env={
                "PATH": commands,
                "PYTHONPATH": str(ROOT),
                "HOME": str(tmp_path),
                "QABEL_DATA_DIR": str(data),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_blocks_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only code blocks and set-up are run, not skipped blocks, options or other languages."""
    page = tmp_path / "page.rst"
    page.write_text(
        ".. snippet: setup\n\n   touch a\n\n.. code-block:: shell\n   :caption: x\n\n"
        "   ls a\n\n   ls\n\ntext\n\n.. snippet: skip, because it needs a moon\n\n"
        ".. code-block:: shell\n\n   fly\n\n* .. code-block:: json\n\n     {}\n\n"
        ".. code-block:: python\n\n   print(1)\n"
    )
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    assert [(each.language, each.text) for each in snippets(page)] == [
        ("shell", "touch a\n"),
        ("shell", "ls a\n\nls\n"),
        ("python", "print(1)\n"),
    ]
