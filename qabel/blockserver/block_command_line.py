"""The program of the block server, as its commands know it."""

from qabel.host.server_commands import ServerProgram

BLOCK = ServerProgram("qabel-block", "QABEL_BLOCK_DATA_DIR")
