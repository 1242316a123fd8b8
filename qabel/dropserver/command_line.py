"""What the commands of ``qabel-drop`` have in common: ``check``, ``purge`` and others."""

from qabel.host.server_commands import ServerProgram

DROP = ServerProgram("qabel-drop", "QABEL_DROP_DATA_DIR")

PROGRAM = DROP.name


def count(number: int, what: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
