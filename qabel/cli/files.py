"""Files that the command reads and writes; ``-`` is standard input or output."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qabel.cli.errors import CommandError, not_found, usage_error

MAX_FILE = 16 * 1024 * 1024
"""Bytes of a contact file that the daemon accepts."""


_COPIED = re.compile(r"(?:Authorization:\s*)?Bearer\s+", re.IGNORECASE)


def read_file(path: Path, limit: int) -> bytes:
    """Return what is in a file, at most ``limit`` bytes. Raises CommandError."""
    with _reading(str(path)), path.open("rb") as file:
        return file.read(limit)


def read_input(name: str) -> bytes:
    """Return what is in a file that the user named, or on standard input. Raises CommandError."""
    if name == "-":
        with _reading("standard input"):
            data = sys.stdin.buffer.read(MAX_FILE + 1)
    else:
        data = read_file(Path(name), MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise usage_error(f"{name} is larger than {MAX_FILE} bytes")
    return data


def read_text(name: str) -> str:
    """Return a file, or standard input, as text without the line break at its end."""
    try:
        text = read_input(name).decode()
    except UnicodeDecodeError:
        what = "Standard input" if name == "-" else name
        raise usage_error(f"{what} is not UTF-8 text") from None
    return text.removesuffix("\n").removesuffix("\r")


@contextmanager
def _reading(name: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise not_found(f"No such file: {name}") from None
    except OSError as error:
        raise usage_error(f"Cannot read {name}: {error.strerror}") from None


def parse_word(text: str) -> str:
    """Return the token that a text consists of, printable ASCII; an empty text if it does not.

    What is copied with a token, and what editors put around it, is taken away.
    """
    word = _COPIED.sub("", text.strip("\ufeff\u200b\u00a0 \t\r\n\"'`<>"))
    return word if word.isascii() and word.isprintable() and " " not in word else ""


def write_output(name: str, data: bytes, *, secret: bool = False, force: bool = False) -> None:
    """Write a new file, or to standard output. Raises CommandError.

    An existing file is replaced with ``force`` only. Other users cannot read a ``secret`` file.
    """
    if name == "-":
        sys.stdout.flush()
        sys.stdout.buffer.write(data + b"\n" if sys.stdout.isatty() else data)
        sys.stdout.buffer.flush()
        return
    path = Path(name)
    if not path.name:
        raise usage_error(f"Not the name of a file: {name!r}")
    try:
        write_file(path, data, mode=0o600 if secret else 0o666, replace=force)
    except FileExistsError:
        hint = "Choose another name, or pass --force to overwrite it"
        raise CommandError(f"{name} already exists", hint=hint) from None
    except OSError as error:
        raise usage_error(f"Cannot write {name}: {error.strerror}") from None


def write_file(
    path: Path, data: bytes, *, mode: int = 0o600, replace: bool = True, sync: bool = True
) -> None:
    """Write a file atomically: nobody sees half of it. Raises OSError.

    Args:
        path: the file.
        data: what is to be in it.
        mode: its permissions, less those that the umask takes away.
        replace: whether an existing file is replaced; otherwise it is a FileExistsError.
        sync: whether the data are on the disk before the file has its name.

    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    # A process that crashed may have had the same number.
    fresh.unlink(missing_ok=True)
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        if replace:
            fresh.replace(path)
        else:
            os.link(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)
