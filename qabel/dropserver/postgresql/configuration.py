"""What all front ends of a database have in common: how long messages are kept, and how many."""

from typing import Any

from psycopg import Connection

from qabel.dropserver.message_values import DAY, MEGABYTE, Retention
from qabel.dropserver.wanted import Wanted
from qabel.host.start_errors import StartError

_READ = "SELECT lifetime, quota, drop_quota, drop_id_bits FROM server"


def agree(connection: "Connection[Any]", version: int, wanted: Wanted) -> Retention:
    """Return what the database says; the first front end says it.

    Raises StartError if it is not what is wanted, and psycopg.Error.
    """
    if wanted.quota is not None:
        first = wanted.retention
        connection.execute(
            "INSERT INTO server VALUES (1, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (version, first.lifetime, first.quota, first.drop_quota, first.drop_id_bits),
        )
    found = read_retention(connection)
    if found is None:
        raise StartError(
            "--quota is needed the first time that a database is used: the megabytes that all "
            "messages may take there"
        )
    _compare("--lifetime", wanted.lifetime, found.lifetime, DAY)
    _compare("--quota", wanted.quota, found.quota, MEGABYTE)
    _compare("--drop-quota", wanted.drop_quota, found.drop_quota, 1)
    _compare("--drop-id-bits", wanted.drop_id_bits, found.drop_id_bits, 1)
    return found


def read_retention(connection: "Connection[Any]") -> Retention | None:
    """Return what the database says; None if no front end has used it. Raises psycopg.Error."""
    row = connection.execute(_READ).fetchone()
    return None if row is None else _retention(row)


def change(connection: "Connection[Any]", wanted: Wanted) -> None:
    """Change what is given of what the database says. Raises psycopg.Error."""
    connection.execute(
        "UPDATE server SET lifetime = coalesce(%s, lifetime), quota = coalesce(%s, quota),"
        " drop_quota = coalesce(%s, drop_quota), drop_id_bits = coalesce(%s, drop_id_bits)",
        (wanted.lifetime, wanted.quota, wanted.drop_quota, wanted.drop_id_bits),
    )


def _retention(row: tuple[Any, ...]) -> Retention:
    return Retention(lifetime=float(row[0]), quota=row[1], drop_quota=row[2], drop_id_bits=row[3])


def _compare(option: str, wanted: float | None, found: float | None, unit: float) -> None:
    if wanted is None or (found is not None and round(wanted) == round(found)):
        return
    asked = f"{wanted / unit:.15g}"
    said = "nothing" if found is None else f"{found / unit:.15g}"
    raise StartError(
        f"{option} {asked} is not what the database says ({said}): leave it out, or change it for "
        f"all front ends with qabel-drop configure {option} {asked}"
    )
