"""Commands in hints, written so that they can be run as they stand."""

import os
import re
import shlex
import shutil
import sys
from collections.abc import Sequence

from attrs import define

PROGRAM = "qabel"

_MENTIONED = re.compile(r"(?<![\w/.~$\"'-])qabel (?=[a-z])(?P<rest>[^\n;]*)")


@define
class OwnCommand:
    """How this call of the command began: the program, and its options."""

    program: str = PROGRAM
    options: str = ""

    @classmethod
    def of(cls, options: Sequence[str], called: str | None = None) -> "OwnCommand":
        """Return how a call began.

        Args:
            options: those of the program itself, with their values.
            called: by what it was called; None for the present call.

        """
        return cls(_program(sys.argv[0] if called is None else called), shlex.join(options))

    def in_text(self, text: str) -> str:
        """Return a text in which each command that it mentions begins as this call did.

        A command that has a data directory of its own keeps that.
        """
        if self.program == PROGRAM and not self.options:
            return text
        return _MENTIONED.sub(self._begun, text)

    def _begun(self, match: re.Match[str]) -> str:
        has_own = "--data-dir" in match["rest"].partition(", ")[0]
        options = f"{self.options} " if self.options and not has_own else ""
        return f"{self.program} {options}{self.in_text(match['rest'])}"


def _program(called: str) -> str:
    """Return what runs the program: its name, or its path if a shell would not find it."""
    if called.endswith(("__main__.py", "-m")):
        return f"{shlex.quote(sys.executable)} -m {PROGRAM}"
    return shlex.quote(runnable(PROGRAM, called))


def runnable(program: str, path: str) -> str:
    """Return what runs a program: its name, or its path if a shell would not find the name."""
    is_found = shutil.which(program) is not None
    return program if is_found or not os.access(path, os.X_OK) else path
