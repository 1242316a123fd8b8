"""Running the commands of the block server in this process."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest


@attrs.frozen
class CommandOutput:
    """What a command has printed, by lines."""

    status: int
    out: list[str]
    errors: list[str]


@attrs.frozen(eq=False)
class BlockCommand:
    """Runs a command with a data directory.

    Args:
        run: the command.
        data: the data directory.
        capsys: has what was asked for.
        logged: has the errors: they are logged, where Twisted's log has begun.

    """

    run: Callable[[Sequence[str]], int]
    data: Path
    capsys: pytest.CaptureFixture[str]
    logged: Any

    def __call__(self, *arguments: str) -> CommandOutput:
        """Run it."""
        status = self.run([*arguments, f"--data-dir={self.data}"])
        errors = [event["line"] for event in self.logged.flush()]
        return CommandOutput(status, self.capsys.readouterr().out.splitlines(), errors)
