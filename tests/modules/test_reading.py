"""What a module makes of the next entries."""

from qabel.deferreds import result_of
from qabel.host.job_thread import InlineWorker
from qabel.modules.reading import describe
from qabel.store.database.database import Database
from qabel.store.key_record import GivenKey
from tests.modules.conftest import Desk
from tests.store.database.pages_of import overwrite, pages_of


def test_errors_are_described_without_their_text() -> None:
    """Kind and place are said; the text may quote messages."""
    try:
        raise ValueError("a secret")
    except ValueError as error:
        text = describe(error)
    assert text.startswith("ValueError at test_reading.py:")
    assert "secret" not in text
    assert describe(ValueError("a secret")) == "ValueError"


def test_damage_is_read_around(desk: Desk) -> None:
    """Damaged pages do not stop a module: it gets all that is whole, each entry once."""
    count = 300
    padding = "x" * 900
    desk.receive(*(f"{number} {padding}" for number in range(count)))
    for _ in range(3):
        desk.send()
    path = desk.database.path
    result_of(desk.database.close())
    pages = list(pages_of(path, bytes(32), "SELECT data FROM messages NOT INDEXED"))
    for page in pages[len(pages) // 2 : len(pages) // 2 + 2]:
        overwrite(path, page)
    desk.database = Database(path, GivenKey(bytes(32)), worker=InlineWorker)
    result_of(desk.database.open())
    runner = desk.runner()
    runner.start()
    desk.clock.pump([1] * 60)
    runner.stop()
    kept = [int(text.split()[0]) for text in desk.notes()]
    assert count - 60 < len(kept) < count
    assert sorted(set(kept)) == kept
    assert desk.rows("SELECT count(*) FROM notes_sent") == [(3,)]
    assert runner.done == 1.0
    assert "received" in runner._reader._reading.gaps._ends
