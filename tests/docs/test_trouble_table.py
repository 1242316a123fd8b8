"""The documentation has the table of troubles."""

from tests.docs.trouble_table import FILE, table


def test_the_documentation_has_the_table() -> None:
    """``python -m tests.docs.trouble_table`` writes it anew; what moves in it is looked at."""
    assert FILE.read_text() == table()
