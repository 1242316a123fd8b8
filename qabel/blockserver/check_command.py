"""``qabel-block check``: whether a block server's index and objects are whole."""

import argparse
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from qabel.blockserver.block_command_line import BLOCK
from qabel.blockserver.folder_objects import object_names, object_path
from qabel.blockserver.index_tables import (
    FOLDER,
    INDEX_NAME,
    OBJECTS,
    read_index,
    storage_name,
)
from qabel.host.byte_sizes import format_size
from qabel.host.standard_streams import say
from qabel.host.start_errors import StartError, report_line

NAME = f"{BLOCK.name} check"

_DESCRIPTION = """\
Look at the index of a block server, which may be running, and at all its objects, and say whether
they are whole, and how full the server is. Objects in S3 are not looked at. Nothing is changed.
The exit status is 0 if all is whole, and 1 if it is not.
"""

_SHOWN = 10
"""How many faults are shown, of many."""


def run(arguments: Sequence[str]) -> int:
    """Run the command, and return its exit status."""
    given = parser().parse_args(arguments)
    directory = BLOCK.directory(given.data_dir)
    try:
        with closing(read_index(directory / INDEX_NAME)) as connection:
            faults = list(_faults(connection, directory / OBJECTS))
            if not faults:
                say("\n".join(_report(connection, directory)))
    except (StartError, sqlite3.Error, OSError) as error:
        report_line(f"{NAME}: {error}")
        return 1
    for each in faults[:_SHOWN]:
        report_line(f"{NAME}: {each}")
    if len(faults) > _SHOWN:
        report_line(f"{NAME}: and {len(faults) - _SHOWN:,} more")
    return 1 if faults else 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    return BLOCK.parser(NAME, _DESCRIPTION)


def _faults(connection: sqlite3.Connection, objects: Path) -> Iterator[str]:
    (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if verdict != "ok":
        yield f"the index is damaged: {verdict}"
        return
    if storage_name(connection) == FOLDER:
        yield from _object_faults(connection, objects)
    query = """
        SELECT t.name, t.used, t.objects, coalesce(sum(e.size), 0), count(e.object) FROM token t
        LEFT JOIN prefix p ON p.token = t.id LEFT JOIN entry e ON e.prefix = p.name GROUP BY t.id
    """
    for name, used, count, size, objects_there in connection.execute(query):
        if (used, count) != (size, objects_there):
            yield f"{name!r} is charged {used} bytes in {count} objects, but has {size} in " + str(
                objects_there
            )


def _object_faults(connection: sqlite3.Connection, objects: Path) -> Iterator[str]:
    missing = []
    for name, size in connection.execute("SELECT object, size FROM entry"):
        try:
            found = object_path(objects, name).stat().st_size
        except FileNotFoundError:
            missing.append(name)
            continue
        if found != size:
            yield f"the object {name} has {found} bytes, not {size}"
    # Some may have been replaced since; then they are at no path any more. While rows are still to
    # be read, the connection would not see that.
    for name in missing:
        if _is_there(connection, name):
            yield f"the object {name} is missing"


def _is_there(connection: sqlite3.Connection, name: str) -> bool:
    row = connection.execute("SELECT 1 FROM entry WHERE object = ?", [name]).fetchone()
    return row is not None


def _report(connection: sqlite3.Connection, directory: Path) -> Iterator[str]:
    count, size = connection.execute(
        "SELECT count(*), coalesce(sum(size), 0) FROM entry"
    ).fetchone()
    prefixes = connection.execute("SELECT count(*) FROM prefix").fetchone()[0]
    place = storage_name(connection)
    yield f"{directory} is whole."
    yield f"Objects: {count:,}, with {format_size(size)}. Prefixes: {prefixes:,}."
    if place != FOLDER:
        yield f"The objects are in {place}. They were not looked at: only the index was checked."
        return
    stored = sum(1 for _ in object_names(directory / OBJECTS))
    if stored > count:
        yield (
            f"Objects of no file: {stored - count:,}. They are being uploaded, or are deleted "
            "within a day."
        )
    yield f"The disk has {format_size(shutil.disk_usage(directory).free)} free."
