"""Where rows continue on other pages."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from qabel.store.database.connection import connect
from qabel.store.database.overflow import overflows
from qabel.store.database.pages import PAGE_SIZE
from tests.store.database.filled import KEY, fill, pages_of

PAIR = "INSERT INTO documents VALUES (?, ?)"


def test_all_pages_of_long_rows_are_found(path: Path) -> None:
    """Following the rows of all pages leads to each overflow page, and to no other."""
    fill(path)
    pages = pages_of(path)
    found = set()
    for number, page in pages.items():
        for at, count in overflows(page, is_first=number == 1):
            following = int.from_bytes(page[at : at + 4], "big")
            for _ in range(count):
                found.add(following)
                assert pages[following][0] == 0
                following = int.from_bytes(pages[following][:4], "big")
            assert following == 0
    others = {number for number, page in pages.items() if number > 1 and page[0] == 0}
    assert found == others
    assert len(found) > 40


def test_rows_of_any_size(path: Path) -> None:
    """Just where a row begins to continue elsewhere, it is found, and not before."""
    path.touch()
    connection = connect(path, KEY)
    connection.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, body BLOB)")
    for size in range(3950, 4000):
        connection.execute("INSERT INTO rows VALUES (?, ?)", (size, b"x" * size))
    connection.close()
    pages = pages_of(path)
    chains = sum(len(list(overflows(page, is_first=n == 1))) for n, page in pages.items())
    assert chains == sum(page[0] == 0 for n, page in pages.items() if n > 1)
    assert 0 < chains < 50


@given(st.binary(min_size=1, max_size=40))
def test_rubbish_is_read_without_errors(piece: bytes) -> None:
    """Whatever a page contains, what is yielded lies within it."""
    page = piece * (PAGE_SIZE // len(piece) + 1)
    for start in (b"", b"\x0d", b"\x0a", b"\x02"):
        for at, count in overflows((start + page)[:PAGE_SIZE]):
            assert 0 <= at <= PAGE_SIZE - 4
            assert count > 0
