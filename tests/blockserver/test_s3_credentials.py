"""Access keys: from a private file or the environment, and in no text."""

from pathlib import Path

import pytest

from qabel.blockserver.s3_credentials import S3Credentials, read_credentials
from qabel.host.start_errors import StartError

KEY = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "a/secret+key="}

FILE = """\
# comment
[other]
aws_access_key_id = OTHER
[default]
aws_access_key_id = AKID
aws_secret_access_key=a/secret+key=%(x)s
region = eu-central-1
"""


def file_with(folder: Path, text: str, mode: int = 0o600) -> str:
    """Write a file, and return its path."""
    path = folder / "credentials"
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def test_the_environment() -> None:
    """Both parts, and the token of a session, if there is one."""
    assert read_credentials(None, KEY) == S3Credentials("AKID", "a/secret+key=")
    with_session = {**KEY, "AWS_SESSION_TOKEN": "token"}
    assert read_credentials(None, with_session) == S3Credentials("AKID", "a/secret+key=", "token")


def test_a_file(tmp_path: Path) -> None:
    """Its default section counts, and what is in the environment does not."""
    found = read_credentials(file_with(tmp_path, FILE), {"AWS_SESSION_TOKEN": "x", **KEY})
    assert found == S3Credentials("AKID", "a/secret+key=%(x)s")
    with_session = file_with(tmp_path, FILE + "aws_session_token = t\n")
    assert read_credentials(with_session, {}).session == "t"


@pytest.mark.parametrize("missing", sorted(KEY))
def test_something_is_missing(missing: str, tmp_path: Path) -> None:
    """The names of both are said."""
    found = {name: value for name, value in KEY.items() if name != missing}
    with pytest.raises(StartError, match="AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY") as caught:
        read_credentials(None, found)
    assert "use --s3-credentials FILE" in str(caught.value)
    text = "".join(line for line in FILE.splitlines(True) if missing.lower() not in line)
    with pytest.raises(StartError, match="credentials has no AWS_ACCESS_KEY_ID and"):
        read_credentials(file_with(tmp_path, text), KEY)


@pytest.mark.parametrize(
    "text",
    [
        *("a/secret", "[default]\na/secret", "[default]\nx=1\n[default]\na=secret", "[a/secret"),
        *("[default]\nx = secret\nx = secret\n", "secret\n" * 20_000),
    ],
)
def test_what_is_no_file_of_credentials(text: str, tmp_path: Path) -> None:
    """Nothing of it is quoted."""
    with pytest.raises(StartError, match="is no file of credentials") as caught:
        read_credentials(file_with(tmp_path, text))
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_file_in_another_encoding(tmp_path: Path) -> None:
    """It is refused without a traceback."""
    path = Path(file_with(tmp_path, ""))
    path.write_bytes(b"[default]\n\xff\xfe")
    with pytest.raises(StartError, match="is no file of credentials"):
        read_credentials(str(path))


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    """They are missing, or others can read them."""
    with pytest.raises(StartError, match="cannot be read: No such file"):
        read_credentials(str(tmp_path / "missing"))
    with pytest.raises(StartError, match="cannot be read: Is a directory"):
        read_credentials(str(tmp_path))
    with pytest.raises(StartError, match="can be read by others: chmod 600 it"):
        read_credentials(file_with(tmp_path, FILE, 0o644))


@pytest.mark.parametrize("bad", ["a\r\nX-Evil: 1", "a b", "schlüssel", "x" * 5000])
def test_what_cannot_be_in_a_header(bad: str) -> None:
    """It is refused, and not quoted."""
    with pytest.raises(StartError, match="characters that cannot be in one") as caught:
        read_credentials(None, {**KEY, "AWS_SECRET_ACCESS_KEY": bad})
    assert bad not in str(caught.value)


def test_they_are_in_no_text() -> None:
    """Whatever prints them shows nothing."""
    made = S3Credentials("AKID", "secret", "token")
    assert repr(made) == str(made) == "S3Credentials()"
