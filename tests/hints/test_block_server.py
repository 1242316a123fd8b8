"""What a block server's commands say to who runs it helps, when it is done."""

import re
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.hints import printed
from tests.hints.mentioned import _in_text, wrong_in
from tests.hints.printed import shows
from tests.integration.processes import DEADLINE, ROOT, Twistd

BLOCK = "import sys; sys.argv[0] = 'qabel-block'; from qabel.daemon_commands import block; block()"

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a function that runs ``qabel-block``, and returns its status and what it says."""

    def run(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-c", BLOCK, *arguments],
            cwd=ROOT,
            env={"QABEL_BLOCK_DATA_DIR": str(tmp_path / "data")},
            capture_output=True,
            text=True,
            check=False,
            timeout=DEADLINE,
        )
        text = done.stdout + done.stderr
        printed.printed.append(text)
        wrong = {each: why for each in _in_text(text, "printed") if (why := wrong_in(each))}
        assert wrong == {}
        return done.returncode, text

    return run


def hint(text: str, **blanks: str) -> list[str]:
    """Return the words of the one command that a text mentions, after its own name."""
    text = re.sub(r"^qabel-block \w+: ", "", text)
    [found] = [each for each in _in_text(text, "printed") if each.words and each.is_certain]
    assert found.program == "qabel-block"
    return [blanks.get(each, each) for each in found.words]


def test_a_token_that_is_revoked(run: Run) -> None:
    """It cannot be revoked again; the list that is named says so."""
    assert run("token", "new", "first")[0] == 0
    assert run("token", "revoke", "first")[0] == 0
    status, said = run("token", "revoke", "first")
    assert (status, "there is no token 'first'" in said) == (1, True)
    status, said = run(*hint(said))
    assert (status, "first: " in said, "revoked" in said) == (0, True, True)


def test_a_list_without_tokens(run: Run, tmp_path: Path) -> None:
    """It says how to make one."""
    arguments = [f"--data-dir={tmp_path / 'data'}", "--listen=tcp:0:interface=127.0.0.1"]
    with Twistd(tmp_path / "process", "qabel-block", *arguments) as server:
        server.wait_for("is ready")
        status, said = run("token", "list")
        assert status == 0
        status, token = run(*hint(said, NAME="anna"))
        assert (status, len(token.strip())) == (0, 40)
        assert "anna: " in run("token", "list")[1]


def test_a_name_that_is_taken(run: Run) -> None:
    """Both ways that are said work: another name, and to revoke it first."""
    assert run("token", "new", "anna")[0] == 0
    status, said = run("token", "new", "anna")
    assert (status, "revoke it first, or use another name" in said) == (1, True)
    assert run("token", "new", "another")[0] == 0
    status, said = run("token", "revoke", "anna")
    [words] = re.findall(r"; qabel-block (.*) makes another one", said)
    assert (status, words) == (0, "token new anna")
    assert run(*words.split())[0] == 0


def test_sizes(run: Run) -> None:
    """The sizes that are named as examples are taken, by the option that asked for one."""
    assert run("token", "new", "anna")[0] == 0
    status, said = run("token", "quota", "anna", "--quota", "much")
    examples = re.findall(r"\b\d+[MG]\b", said)
    assert (bool(status), examples) == (True, ["500M", "2G"])
    for each in examples:
        assert run("token", "quota", "anna", "--quota", each)[0] == 0
    status, said = run("token", "quota", "anna")
    assert bool(status)
    assert "--quota is missing" in said
    status, said = run("token", "quota", "nobody", "--quota", "1G")
    assert bool(status)
    assert "anna: " in run(*hint(said))[1]


def test_without_a_server(run: Run) -> None:
    """What looks at one says that there is none, and where it looked."""
    for words in (["check"], ["token", "list"]):
        status, said = run(*words)
        assert (status, "there is no block server: " in said) == (1, True)


@shows("blockserver/storage_choice.py: --X means nothing without --storage s3://BUCKET")
def test_options_of_a_storage_that_is_not_used(run: Run) -> None:
    """The option that is missing is one that there is."""
    status, said = run("--s3-region", "eu-central-1")
    assert (status != 0, "--storage" in said) == (True, True)
    assert "--storage URL" in run("--help")[1]


@pytest.mark.skipif(find_spec("botocore") is None, reason="botocore is not installed")
@shows("blockserver/s3_credentials.py: X can be read by others: chmod 600 it")
def test_credentials_that_others_can_read(run: Run, tmp_path: Path) -> None:
    """It is no reason any more once the mode is what is said."""
    file = tmp_path / "credentials"
    file.write_text("[default]\naws_access_key_id = x\naws_secret_access_key = y\n")
    file.chmod(0o644)
    options = ("--storage", "s3://bucket", "--s3-credentials", str(file))
    # The data directory cannot be used, so that the server never starts.
    options += ("--data-dir", "/dev/null/none", "--port", "0")
    status, said = run(*options)
    assert (status != 0, "chmod 600" in said) == (True, True)
    file.chmod(0o600)
    assert "chmod 600" not in run(*options)[1]
