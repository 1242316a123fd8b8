"""Pages: what is stored stays, what is not is cleared, and SQLCipher reads what is encrypted."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from qabel.store.database.connection import Connection, configure, connect
from qabel.store.database.pages import (
    LOCK_PAGE,
    PAGE_SIZE,
    SALT_SIZE,
    PageCipher,
    cleared,
    has_page_maps,
    is_page_map,
    page_count,
)

KEY = bytes(range(32))
USABLE = PAGE_SIZE - 80


def leaf(*, count: int, content: int, free: int = 0, filler: bytes = b"\xff") -> bytearray:
    """Return a leaf page of a table with this header, and rubbish everywhere else."""
    page = bytearray(filler * PAGE_SIZE)
    head = bytes([0x0D]) + b"".join(each.to_bytes(2, "big") for each in (free, count, content))
    page[:8] = head + b"\x00"
    return page


def test_the_gap_is_cleared() -> None:
    """Between the pointers to rows and the first row nothing stays; the rest is unchanged."""
    page = bytes(leaf(count=3, content=4000))
    clear = cleared(page)
    assert clear[8 + 2 * 3 : 4000] == bytes(4000 - 14)
    assert clear[:14] + clear[4000:] == page[:14] + page[4000:]
    assert cleared(clear) == clear


def test_free_blocks_are_cleared() -> None:
    """Blocks between rows keep only the offset of the next one and their size."""
    page = leaf(count=1, content=1000, free=2000)
    page[2000:2004] = (3000).to_bytes(2, "big") + (100).to_bytes(2, "big")
    page[3000:3004] = bytes(2) + (50).to_bytes(2, "big")
    clear = cleared(bytes(page))
    assert clear[2000:2100] == page[2000:2004] + bytes(96)
    assert clear[3000:3050] == page[3000:3004] + bytes(46)
    assert clear[2100:3000] == page[2100:3000]


def test_the_first_page_begins_later() -> None:
    """In the first page, the header of the file comes before that of the page."""
    page = bytes(100) + bytes(leaf(count=0, content=4000))[:-100]
    clear = cleared(page, is_first=True)
    assert clear[108:4000] == bytes(4000 - 108)
    assert clear[4000:] == page[4000:]


@given(st.binary(min_size=PAGE_SIZE, max_size=PAGE_SIZE), st.sampled_from([0, 1, 3, 0x0C, 0xFF]))
def test_other_pages_stay(page: bytes, first: int) -> None:
    """A page that is no part of a B-tree, such as the rest of a long row, stays as it is."""
    other = bytes([first]) + page[1:]
    assert cleared(other) == other


@given(
    st.binary(min_size=11, max_size=11),
    st.sampled_from([0x02, 0x05, 0x0A, 0x0D]),
    st.binary(min_size=64, max_size=64),
)
def test_nonsense_is_harmless(header: bytes, kind: int, rest: bytes) -> None:
    """Whatever a header says, a page keeps its size, its header and its last bytes."""
    page = (bytes([kind]) + header + rest * 64)[:PAGE_SIZE]
    clear = cleared(page)
    assert len(clear) == PAGE_SIZE
    assert clear[:8] == page[:8]
    assert clear[USABLE:] == page[USABLE:]


@given(st.binary(min_size=USABLE, max_size=USABLE), st.integers(1, 2**32 - 1))
def test_pages_are_decrypted_to_what_was_encrypted(content: bytes, number: int) -> None:
    """A page comes back as it was, and belongs to its number and key only."""
    cipher = PageCipher(KEY, b"s" * SALT_SIZE)
    plain = bytes(SALT_SIZE if number == 1 else 0) + content
    plain = plain[:USABLE] + bytes(80)
    page = cipher.encrypt(plain, number)
    assert cipher.decrypt(page, number) == plain
    assert cipher.is_genuine(page, number)
    assert not cipher.is_genuine(page, number % (2**32 - 1) + 1)
    assert not PageCipher(bytes(32), b"s" * SALT_SIZE).is_genuine(page, number)


def test_the_format_is_that_of_sqlcipher(path: Path) -> None:
    """SQLCipher reads pages encrypted here, and its own pages are genuine."""
    path.touch()
    connection: Connection = connect(path, KEY)
    configure(connection)
    connection.execute("CREATE TABLE words (word TEXT)")
    connection.execute("INSERT INTO words VALUES ('found')")
    connection.close()
    data = path.read_bytes()
    cipher = PageCipher(KEY, data[:SALT_SIZE])
    pages = [data[start : start + PAGE_SIZE] for start in range(0, len(data), PAGE_SIZE)]
    assert all(cipher.is_genuine(page, number) for number, page in enumerate(pages, 1))
    plain = [cipher.decrypt(page, number) for number, page in enumerate(pages, 1)]
    assert any(b"found" in page for page in plain)
    assert not any(b"found" in page for page in pages)
    again = [cipher.encrypt(page, number) for number, page in enumerate(plain, 1)]
    assert not set(again) & set(pages)
    path.write_bytes(b"".join(again))
    reopened = connect(path, KEY)
    assert reopened.execute("SELECT word FROM words").fetchall() == [("found",)]
    assert reopened.execute("PRAGMA cipher_integrity_check").fetchall() == []
    reopened.close()


def test_reprs_show_no_key() -> None:
    """The repr of a cipher has neither the key nor what is derived from it."""
    assert "\\x1f" not in repr(PageCipher(KEY, b"s" * SALT_SIZE))


def test_page_maps_are_left_alone(path: Path, key: bytes) -> None:
    """In a file that gives back free pages, those that map others are known by their numbers."""
    path.touch()
    connection = connect(path, key)
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("CREATE TABLE rows (body BLOB)")
    connection.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900) "
        "INSERT INTO rows SELECT zeroblob(3000) FROM n"
    )
    connection.close()
    data = path.read_bytes()
    cipher = PageCipher(key, data[:SALT_SIZE])
    contents = {
        number + 1: cipher.decrypt(data[number * PAGE_SIZE : (number + 1) * PAGE_SIZE], number + 1)
        for number in range(len(data) // PAGE_SIZE)
    }
    assert has_page_maps(contents[1])
    assert page_count(contents[1]) == len(contents)
    # Each entry of a map has the kind of a page, and the page that leads to it.
    maps = {number for number in contents if is_page_map(number)}
    assert maps == {2, 806}
    assert all(contents[number][0] not in (0x0D, 0x0A) for number in maps)
    assert all(1 <= contents[number][0] <= 5 for number in maps)


def test_page_maps_pass_the_page_that_is_never_written() -> None:
    """The number of a map is one higher where it would be that page."""
    numbers = [number for number in range(LOCK_PAGE - 900, LOCK_PAGE + 900) if is_page_map(number)]
    assert LOCK_PAGE not in numbers
    assert len(numbers) in (2, 3)
