"""The main token: in a file for its owner alone, made anew where others may have read it."""

from pathlib import Path

import pytest

from qabel.core.main_token import MainToken, TokenFileTrouble, digest_of


def loaded(path: Path) -> MainToken:
    """Return the token of a file."""
    token = MainToken(path=path)
    token.load()
    return token


def test_it_is_kept(tmp_path: Path) -> None:
    """A token is written at first, for nobody else to read, and the same one is loaded later."""
    path = tmp_path / "token"
    token = loaded(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert token.digest == digest_of(path.read_text().strip()) == loaded(path).digest


def test_it_is_replaced(tmp_path: Path) -> None:
    """After that the old one is as good as any other text."""
    token = loaded(tmp_path / "token")
    before = token.digest
    assert digest_of(token.replace()) == token.digest != before


def test_a_file_that_others_could_read(tmp_path: Path) -> None:
    """Who read it may know the token: there is a new one."""
    path = tmp_path / "token"
    before = loaded(path).digest
    path.chmod(0o644)
    assert loaded(path).digest != before
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", [b"", b"short", b"\xff" * 50, b"x" * 2000])
def test_a_file_without_a_token(tmp_path: Path, text: bytes) -> None:
    """It is reported, and left as it is."""
    path = tmp_path / "token"
    path.write_bytes(text)
    path.chmod(0o600)
    with pytest.raises(TokenFileTrouble):
        loaded(path)
    assert path.read_bytes() == text


def test_the_digest_is_not_shown(tmp_path: Path) -> None:
    """The repr has the path only."""
    token = loaded(tmp_path / "token")
    assert repr(token.digest) not in repr(token)


def test_what_the_file_is_to_have(tmp_path: Path) -> None:
    """The content of the file is recognized, with or without the end of the line."""
    token = MainToken(path=tmp_path / "api-token")
    token.load()
    content = token.path.read_bytes()
    assert token.is_content(content)
    assert token.is_content(content.strip())
    for other in (b"", b"x" * 43, content + content, b"\xff" * 10):
        assert not token.is_content(other)
