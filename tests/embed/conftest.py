"""Small programs that embed a daemon, each in a process of its own, as reactors require."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.processes import ROOT

DEADLINE = 60.0
"""Seconds that a program may take, on a busy machine."""

BEGINNING = """
import sys
import qabel.embed
from qabel.core.sending.compose import Draft

FOLDER = sys.argv[1]

def refused(kind, function, *arguments, **named):
    try:
        function(*arguments, **named)
    except kind as error:
        assert type(error) is kind, repr(error)
        return str(error)
    raise AssertionError(f"there was no {kind.__name__}")

async def meet(core):
    alice = await core.people.add_identity("Alice")
    bob = await core.people.add_identity("Bob")
    card = core.cards.contact_file(bob.id)
    [contact] = await core.cards.import_contacts(alice.id, card)
    return alice, contact

async def say(core, alice, contact, text):
    draft = Draft("chat", {"msg": text})
    await core.outbox.send([contact.id], alice.id, draft)
"""

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a function that runs a program, checks its exit status, and returns its output."""

    def run_program(source: str, *, status: int = 0, **environment: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", BEGINNING + textwrap.dedent(source), str(tmp_path)],
            cwd=ROOT,
            env={**os.environ, "HOME": str(tmp_path), **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        if status == 0:
            assert done.stderr == ""
        return done.stdout

    return run_program
