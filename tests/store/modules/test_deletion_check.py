"""What is deleted must go from the derived tables of modules."""

import pytest

from qabel.deferreds import result_of
from qabel.modules.chat.tables import DERIVED, STEPS
from qabel.store.modules.progress import ModuleRepository
from qabel.store.modules.tables import ModuleStoreError

ROWS = "CREATE TABLE notes (id INTEGER PRIMARY KEY REFERENCES messages ON DELETE CASCADE, t TEXT);"
WORDS = "CREATE VIRTUAL TABLE notes_words USING fts5 (t);"
SECURE = "INSERT INTO notes_words (notes_words, rank) VALUES ('secure-delete', 1);"
FOLLOW = """
CREATE TRIGGER notes_gone AFTER DELETE ON notes BEGIN
    DELETE FROM notes_words WHERE rowid = old.id;
END;
"""
CHILD = """
CREATE TABLE notes_tags (
    note INTEGER REFERENCES notes ON DELETE CASCADE, tag TEXT
);
"""


@pytest.mark.parametrize(
    ("steps", "derived", "error"),
    [
        (["CREATE TABLE notes_loose (word TEXT);"], ["notes_loose"], "table notes_loose would"),
        (["CREATE TABLE notes_loose (word);"], ["notes_loose"], "table notes_loose would"),
        ([ROWS, WORDS, FOLLOW], ["notes", "notes_words"], "'secure-delete', 1"),
        ([ROWS, WORDS, SECURE], ["notes", "notes_words"], "table notes_words would"),
        (
            ["CREATE TABLE notes_loose (id INTEGER PRIMARY KEY, t TEXT);", CHILD.replace(
                "REFERENCES notes", "REFERENCES notes_loose"
            )],
            ["notes_tags"],
            "table notes_tags would",
        ),
    ],
)  # fmt: skip
def test_tables_that_would_keep_something(
    modules: ModuleRepository, steps: list[str], derived: list[str], error: str
) -> None:
    """Such a module does not run, and the reason says which table it is, and what to do."""
    with pytest.raises(ModuleStoreError, match=error):
        result_of(modules.open("notes", steps, derived))


@pytest.mark.parametrize(
    ("steps", "derived"),
    [
        ([ROWS], ["notes"]),
        ([ROWS, CHILD], ["notes", "notes_tags"]),
        ([ROWS, WORDS, SECURE, FOLLOW], ["notes", "notes_words"]),
        (["CREATE TABLE notes_count (day INTEGER, n INT);"], ["notes_count"]),
        (["CREATE TABLE notes_own (draft TEXT);"], []),
    ],
)
def test_good_tables(modules: ModuleRepository, steps: list[str], derived: list[str]) -> None:
    """What goes with messages can be kept, and numbers, and what is the module's own."""
    result_of(modules.open("notes", steps, derived))


def test_chat(modules: ModuleRepository) -> None:
    """Chat passes the check."""
    result_of(modules.open("chat", STEPS, DERIVED))
