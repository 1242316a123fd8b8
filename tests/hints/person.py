"""Somebody who uses the programs in a home directory of their own, and does what they say."""

import contextlib
import json
import os
import re
import shlex
import subprocess
import sys
import time
import tty
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from attrs import define, field, frozen

from qabel.cli import command
from tests.hints.mentioned import Mention, _in_text
from tests.hints.printed import printed
from tests.integration.client import Api
from tests.integration.processes import DEADLINE, ROOT, wait_until

PROGRAMS = Path(sys.executable).parent
"""Where the commands are installed."""

LONGEST = 2 * DEADLINE
"""Seconds that a command may take."""

WITHOUT_LOG = 5.0
"""Seconds after which a daemon whose log is elsewhere is asked whether it is up."""


@frozen
class Said:
    """What a command printed, and the commands that it mentions."""

    status: int
    text: str
    programs: Path = PROGRAMS

    @property
    def hints(self) -> list[Mention]:
        """The commands that it mentions."""
        return _mentioned(self.text.replace(f"{self.programs}/", ""))

    @property
    def bare(self) -> list[Mention]:
        """Those that it mentions without the path of the program."""
        return _mentioned(self.text)

    def hint(self, *words: str) -> Mention:
        """Return the one hint that begins with these words."""
        found = [each for each in self.hints if (each.program, *each.words)[: len(words)] == words]
        assert len(found) == 1, f"{words} is not hinted at: {self.text}"
        return found[0]


def _mentioned(text: str) -> list[Mention]:
    found = [each for line in text.splitlines() for each in _in_text(line, "printed")]
    return [each for each in found if each.program != "qabel" or _is_command(each.words[0])]


def _is_command(word: str) -> bool:
    return word.startswith("--") or word in command.list_commands(click.Context(command))


@define(eq=False)
class Person:
    """Somebody with a home directory; ``options`` are given to each command by hand.

    With ``is_apart``, the programs are where a shell does not look, and are called by their paths.
    """

    home: Path
    options: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(factory=dict)
    is_apart: bool = False
    programs: Path = PROGRAMS
    """Where the commands are installed; elsewhere than here, they do not import this tree."""
    _daemons: list[subprocess.Popen[bytes]] = field(factory=list, init=False)

    @property
    def env(self) -> dict[str, str]:
        """The environment: that of a login, with the commands on the path."""
        path = "/usr/bin:/bin:/usr/sbin:/sbin"
        path = path if self.is_apart else f"{self.programs}:{path}"
        given = {
            "HOME": str(self.home),
            "PATH": path,
            "LANG": "C.UTF-8",
            "TERM": "xterm",
            "COLUMNS": "500",
        }
        if self.programs == PROGRAMS:
            given["PYTHONPATH"] = str(ROOT)
        return {**given, **self.environment}

    def runs(self, *arguments: str) -> Said:
        """Run ``qabel``."""
        return self.types(shlex.join([self.called("qabel"), *self.options, *arguments]))

    def called(self, program: str) -> str:
        """Return how a program is called."""
        return str(self.programs / program) if self.is_apart else program

    def types(self, line: str, answers: str = "y\n", prompt: str = "") -> Said:
        """Type a line at a terminal, and answers, after a prompt; return what is printed there."""
        primary, secondary = os.openpty()
        tty.setraw(primary)
        process = subprocess.Popen(
            ["timeout", str(LONGEST), "bash", "-c", line],
            stdin=secondary,
            stdout=secondary,
            stderr=secondary,
            cwd=self.home,
            env=self.env,
            start_new_session=True,
        )
        os.close(secondary)
        text, asked = b"", -1
        with contextlib.suppress(OSError):  # at its end
            while True:
                at = text.find(prompt.encode(), asked + 1)
                if at > asked and (prompt or not text):
                    asked = at
                    os.write(primary, answers.encode())
                text += os.read(primary, 65536)
        os.close(primary)
        plain = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", text).replace(b"\r", b"")
        said = Said(process.wait(DEADLINE), plain.decode(), self.programs)
        printed.append(said.text.replace(f"{self.programs}/", ""))
        return said

    def follows(self, hint: Mention, **blanks: str) -> Said:
        """Do what a hint says, with values for the words in capitals; it must succeed."""
        words = [blanks.get(each, each) for each in hint.words]
        missing = [each for each in words if re.fullmatch(r"[A-Z]{3,}", each)]
        assert not missing, f"{hint} leaves open what {missing} are"
        said = self.types(" ".join([self.called(hint.program), *words]))
        assert said.status == 0, f"{hint}: {said.text}"
        return said

    @property
    def directory(self) -> Path:
        """The data directory that the daemon made."""
        return next(self.home.rglob("database-key*")).parent

    def asks(self, method: str, path: str, body: object = None) -> str:
        """Send a request as a program would, and return the text of the answer."""
        reply = Api(self.directory).ask(method, path, body)
        text = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
        printed.append(text)
        return text

    def starts(self, hint: Mention | None = None, options: Sequence[str] = ()) -> None:
        """Start the daemon, as a hint says, with more options."""
        program = self.called("qabel-rest")
        words = (program, *self.options) if hint is None else (program, *hint.words)
        path = self.home / "daemon.log"
        log = path.open("ab")
        begin, until = log.tell(), time.monotonic() + WITHOUT_LOG
        process = subprocess.Popen(
            ["bash", "-c", " ".join(["exec", *words, *options, "--port", "0"])],
            stdout=log,
            stderr=log,
            cwd=self.home,
            env=self.env,
        )
        self._daemons.append(process)

        def is_up() -> bool | None:
            assert process.poll() is None, path.read_text()
            # Asking costs as much as starting: not before there is an answer.
            if b" is ready, " not in path.read_bytes()[begin:] and time.monotonic() < until:
                return None
            return self.runs("status").status == 0 or None

        wait_until(is_up, "the daemon")

    def settles(self, name: str, drop_server: str) -> None:
        """Start a daemon, and make an identity."""
        self.starts()
        assert self.runs("server", "add", drop_server).status == 0
        assert self.runs("identity", "new", name).status == 0
        assert self.runs("settings", "set", "poll_interval", "0.5").status == 0

    def stops(self) -> None:
        """Stop the daemon, and wait for its end."""
        process = self._daemons.pop()
        process.terminate()
        process.wait(DEADLINE)

    def leaves(self) -> None:
        """Stop what still runs."""
        while self._daemons:
            self.stops()


def open_home(folder: Path) -> Path:
    """Make a home directory that only its owner can enter."""
    folder.mkdir(mode=0o700, parents=True)
    os.chmod(folder, 0o700)
    return folder
