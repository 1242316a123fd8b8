"""The settings documents: stored under their names, with an event if wanted."""

import pytest

from qabel.deferreds import result_of
from qabel.store.database.database import Database
from qabel.store.documents import DocumentRepository
from qabel.store.journal.entries import JournalEntries

NOW = 1_800_000_000.0


@pytest.fixture
def documents(database: Database) -> DocumentRepository:
    """Return the documents of an empty database."""
    return DocumentRepository(database)


def test_the_last_text_is_loaded(documents: DocumentRepository) -> None:
    """A document is what was last saved under its name, and None before that."""
    assert result_of(documents.load("settings")) is None
    for text in (b"{}", b'{"a": 1}'):
        result_of(documents.save("settings", text, event=False, now=NOW))
        assert result_of(documents.load("settings")) == text
    result_of(documents.save("local", b"[]", event=False, now=NOW))
    assert result_of(documents.load("settings")) == b'{"a": 1}'


def test_an_event_says_that_a_document_changed(
    database: Database, documents: DocumentRepository
) -> None:
    """The journal has an event for each save that asks for one, without the text."""
    assert result_of(documents.save("settings", b'{"a": 1}', event=False, now=NOW)) is None
    assert result_of(documents.save("settings", b'{"a": 2}', event=True, now=NOW)) == 1
    (entry,) = result_of(JournalEntries(database).read(0, 10))
    data = b'{"time":%d}' % (NOW * 1000)
    assert (entry.seq, entry.kind, entry.data, entry.identity) == (1, "settings", data, None)
