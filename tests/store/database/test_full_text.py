"""Which tables are full-text ones."""

from qabel.deferreds import result_of
from qabel.store.database.database import Database
from qabel.store.database.full_text import full_text_tables


def test_names(database: Database) -> None:
    """Only the table itself is one, and none of those of which it consists."""

    def work(connection: object) -> object:
        connection.execute("CREATE VIRTUAL TABLE b USING fts5 (x)")  # type: ignore[attr-defined]
        connection.execute('CREATE VIRTUAL TABLE "a c" USING fts5 (x)')  # type: ignore[attr-defined]
        return full_text_tables(connection)  # type: ignore[arg-type]

    assert result_of(database.run(work)) == ["a c", "b"]
