"""What a module makes of the next entries."""

from qabel.modules.reading import describe


def test_errors_are_described_without_their_text() -> None:
    """Kind and place are said; the text may quote messages."""
    try:
        raise ValueError("a secret")
    except ValueError as error:
        text = describe(error)
    assert text.startswith("ValueError at test_reading.py:")
    assert "secret" not in text
    assert describe(ValueError("a secret")) == "ValueError"
