"""Files that are read and written for the user; ``-`` is standard input or output."""

import os
import sys
from pathlib import Path

from qabel.cli.errors import CommandError, ExitStatus, usage_error

MAX_FILE = 1024 * 1024
"""Bytes that the daemon takes in one request."""


def read_input(name: str) -> bytes:
    """Read a file, or standard input. Raises CommandError."""
    try:
        if name == "-":
            data = sys.stdin.buffer.read(MAX_FILE + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(MAX_FILE + 1)
    except FileNotFoundError:
        raise CommandError(f"there is no file {name}", exit_status=ExitStatus.NOT_FOUND) from None
    except OSError as error:
        raise usage_error(f"{name} cannot be read: {error.strerror}") from None
    if len(data) > MAX_FILE:
        raise usage_error(f"{name} is larger than {MAX_FILE} bytes")
    return data


def read_text(name: str) -> str:
    """Read a file, or standard input, as text without the line break at its end."""
    try:
        text = read_input(name).decode()
    except UnicodeDecodeError:
        raise usage_error(f"{'standard input' if name == '-' else name} is not UTF-8") from None
    return text.removesuffix("\n").removesuffix("\r")


def write_output(name: str, data: bytes, *, secret: bool = False, force: bool = False) -> None:
    """Write a new file, or to standard output.

    A file that is there already stays, unless ``force`` is given. ``secret`` is for what no other
    user may read. Raises CommandError.
    """
    if name == "-":
        sys.stdout.flush()
        sys.stdout.buffer.write(data + b"\n" if sys.stdout.isatty() else data)
        sys.stdout.buffer.flush()
        return
    path = Path(name)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    mode = 0o600 if secret else 0o666
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _put_in_place(fresh, path, force=force)
    except FileExistsError:
        raise CommandError(
            f"{name} is there already", hint="choose another name, or give --force"
        ) from None
    except OSError as error:
        raise usage_error(f"{name} cannot be written: {error.strerror}") from None
    finally:
        fresh.unlink(missing_ok=True)


def _put_in_place(fresh: Path, path: Path, *, force: bool) -> None:
    """Give a whole file its name at once, so that nobody sees half of it."""
    if force:
        fresh.replace(path)
    else:
        os.link(fresh, path)
