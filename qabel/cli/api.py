"""What commands of modules are made of: the session, and the output in the style of the others."""

from qabel.cli.context import Command, Group, Session, pass_session
from qabel.cli.errors import CommandError, ExitStatus
from qabel.cli.table import Column

__all__ = ["Column", "Command", "CommandError", "ExitStatus", "Group", "Session", "pass_session"]
