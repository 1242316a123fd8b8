"""A keyring for daemons in tests: as that of a desktop, but in a file."""

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend


class FileKeyring(KeyringBackend):
    """Keeps its entries in the file that ``TEST_KEYRING`` names."""

    priority = 5

    def get_password(self, service: str, username: str) -> str | None:
        """Return an entry."""
        entry = self._load().get(f"{service} {username}")
        return None if entry is None else str(entry)

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep an entry."""
        self._save({**self._load(), f"{service} {username}": password})

    def delete_password(self, service: str, username: str) -> None:
        """Remove an entry."""
        entries = self._load()
        del entries[f"{service} {username}"]
        self._save(entries)

    def _load(self) -> dict[str, str]:
        path = Path(os.environ["TEST_KEYRING"])
        entries: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        return entries

    def _save(self, entries: dict[str, str]) -> None:
        Path(os.environ["TEST_KEYRING"]).write_text(json.dumps(entries))
