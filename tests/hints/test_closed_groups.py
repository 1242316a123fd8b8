"""What is said to somebody who uses the drop server of a closed group helps."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.hints.person import Person, Said
from tests.hints.printed import shows
from tests.integration.processes import Twistd, wait_until
from tests.integration.test_closed_groups import NEXT, TOKEN, token_file
from tests.integration.test_dropserver import LISTEN, drop_server

Come = Callable[..., Person]


@pytest.fixture
def group(tmp_path: Path) -> Iterator[tuple[Twistd, str]]:
    """Run the drop server of a closed group; return its process and its URL."""
    option = f"--group-token-file={token_file(tmp_path, TOKEN)}"
    with drop_server(tmp_path, LISTEN, option) as server:
        yield server, f"http://127.0.0.1:{server.port('qabel-drop')}"


def says(who: Person, text: str) -> Said:
    """Return the status as soon as it says something."""

    def look() -> Said | None:
        said = who.runs("status")
        return said if text in said.text else None

    return wait_until(look, text)


@shows(
    "cli/server.py: Pass it with --group-token-file FILE",
    "cli/server.py: Pass either --file FILE or --remove, not both",
    "cli/server.py: Its group token is not used any more",
    "net/group_tokens.py: qabel server group-token X",
    "core/status/troubles.py: Set the token that its operator gives you",
)
def test_a_member_of_a_group(person: Come, tmp_path: Path, group: tuple[Twistd, str]) -> None:
    """Each step is what the one before said; the token is shown by none."""
    server, url = group
    me, texts = person(), list[str]()
    me.starts()

    def typed(line: str, token: str) -> Said:
        said = me.types(line, token + "\n", "Group token: ")
        texts.append(said.text)
        return said

    refused = me.types(f"qabel server add {url} < /dev/null")
    assert (refused.status, "is for a closed group, and asks for its" in refused.text) == (1, True)
    wrong = typed(f"qabel server add {url}", "not-the-right-one")
    assert (wrong.status, "does not accept this group token" in wrong.text) == (1, True)
    assert "No drop servers" in me.runs("server").text
    both = me.types(f"qabel server group-token {url} --file x --remove")
    assert (both.status, "not both" in both.text) == (2, True)
    assert me.types(f"qabel server add {url} --force").status == 0
    assert me.runs("identity", "new", "Alice").status == 0
    assert me.runs("settings", "set", "poll_interval", "0.5").status == 0
    hint = says(me, "asks for its token").hints[0]
    assert hint.words == ("server", "group-token", url)
    accepted = typed(f"qabel {' '.join(hint.words)}", TOKEN)
    assert (accepted.status, "it works" in accepted.text) == (0, True)
    says(me, "  -")
    assert "set" in me.runs("server").text.splitlines()[1].split()[-1]

    file = token_file(tmp_path, NEXT)
    server.process.send_signal(signal.SIGHUP)
    says(me, "does not accept the group token that is set for it")
    assert "does not accept the group token" in me.runs("doctor").text
    assert typed(f"qabel {' '.join(hint.words)}", TOKEN).status == 1
    assert me.runs(*hint.words, "--file", str(file)).status == 0
    says(me, "  -")

    removed = me.runs("server", "remove", url)
    again = removed.hint("qabel", "server", "add")
    assert "it works" in me.follows(again, FILE=str(file)).text
    everything = "".join([*texts, *(me.runs(each).text for each in ("status", "server", "doctor"))])
    log = (me.home / "daemon.log").read_text()
    assert not any(token in everything + log for token in (TOKEN, NEXT, "not-the-right-one"))


def test_a_token_for_a_server_of_everybody(person: Come, tmp_path: Path, drop_server: str) -> None:
    """It is said that the server takes no messages with it, and how to remove it."""
    me = person()
    me.starts()
    file = str(token_file(tmp_path, TOKEN))
    added = me.runs("server", "add", drop_server, "--group-token-file", file)
    assert added.status == 0
    assert "rejects messages with a group token" in added.text
    hint = added.hint("qabel", "server", "group-token")
    assert hint.words[-2:] == (drop_server, "--remove")
    me.follows(hint)
    assert "it works" not in me.runs("server").text
    assert me.runs("server", "test").status == 0
