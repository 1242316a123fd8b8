"""What the journal says of deletions."""

from typing import Any

from qabel.deferreds import result_of
from qabel.store.database.database import Database
from qabel.store.deleted import note_deleted


def test_ids_alone(database: Database) -> None:
    """An entry has the ids of what was deleted; where nothing was, there is none."""

    def work(connection: Any) -> Any:
        numbers = [
            note_deleted(connection, now=1),
            note_deleted(connection, messages=[3, 4], now=1),
            note_deleted(connection, sends=[5], now=2),
        ]
        sql = "SELECT seq, kind, CAST(detail AS TEXT), created FROM events"
        return numbers, connection.execute(sql).fetchall()

    assert result_of(database.run(work)) == (
        [0, 1, 2],
        [
            (1, "deleted", '{"messages":[3,4],"sends":[]}', 1),
            (2, "deleted", '{"messages":[],"sends":[5]}', 2),
        ],
    )
