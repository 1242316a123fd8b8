"""What a client of the torture keeps: JSON lines in a file, each on the disk before it goes on."""

import json
import os
from pathlib import Path
from typing import Any


def read_notes(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a file; one that was torn by a kill does not count."""
    if not path.exists():
        return []
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    return [json.loads(line) for line in whole.split(b"\n") if line]


class Notes:
    """A file of notes, of which a killed predecessor may have written a part."""

    def __init__(self, path: Path) -> None:
        self.lines = read_notes(path)
        self._file = path.open("ab", buffering=0)
        data = path.read_bytes()
        self._file.truncate(data.rfind(b"\n") + 1)

    def add(self, **line: Any) -> None:
        """Write a line; it is on the disk when this returns."""
        self.lines.append(line)
        self._file.write(json.dumps(line).encode() + b"\n")
        os.fsync(self._file.fileno())

    def last(self, key: str, default: Any) -> Any:
        """Return the newest value of a key."""
        return next((line[key] for line in reversed(self.lines) if key in line), default)
