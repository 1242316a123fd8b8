"""What Qabel's Java core has written and read, and SQLite files as their tables."""

import base64
import json
import sqlite3
from pathlib import Path
from typing import Any

from qabel.crypto import PrivateKey, PublicKey

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "qabel-box.json").read_text(encoding="utf-8")
)
KEYS = VECTORS["keys"]
OWNER = PrivateKey.from_hex(KEYS["owner_private"])
CONTACT = PublicKey.from_hex(KEYS["contact_public"])
DEVICE = bytes.fromhex(KEYS["device_id"])
PREFIX: str = KEYS["prefix"]
READING: dict[str, str] = {
    each["what"]: each["java"] for each in VECTORS["reading_what_others_wrote"]
}
"""What the core makes of what others wrote, by what it is."""


def object_of(vector: dict[str, Any]) -> bytes:
    """Return an encrypted object."""
    return base64.b64decode(vector["encrypted_b64"])


def dump(data: bytes) -> dict[str, Any]:
    """Return an SQLite file in the form that the vectors have, without its size and its hash."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.deserialize(data)
        schema = connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY rowid")
        objects = [dict(zip(("type", "name", "sql"), row, strict=True)) for row in schema]
        pragmas = ("user_version", "page_size", "encoding", "application_id", "auto_vacuum")
        return {
            **{f"pragma_{each}": _pragma(connection, each) for each in pragmas},
            "schema": objects,
            "tables": {
                each["name"]: _rows(connection, each["name"])
                for each in objects
                if each["type"] == "table"
            },
        }
    finally:
        connection.close()


def _pragma(connection: sqlite3.Connection, name: str) -> str:
    return str(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _rows(connection: sqlite3.Connection, table: str) -> list[dict[str, str | None]]:
    cursor = connection.execute(f"SELECT * FROM {table}")
    names = [each[0] for each in cursor.description]
    return [dict(zip(names, map(_typed, row), strict=True)) for row in cursor]


def _typed(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bytes):
        return f"blob:{value.hex()}"
    return f"integer:{value}" if isinstance(value, int) else f"text:{value}"


def changed(data: bytes | None, *statements: str) -> bytes:
    """Return an SQLite file after some statements, as anybody may have made it; None for none."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        if data is not None:
            connection.deserialize(data)
        for each in statements:
            connection.execute(each)
        return connection.serialize()
    finally:
        connection.close()
