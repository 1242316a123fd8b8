"""What the status, doctor and health advise in trouble helps: the trouble is made, and ended."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.hints.mentioned import Mention
from tests.hints.person import Person
from tests.hints.printed import shows
from tests.integration.bad_servers import BadServer, Box
from tests.integration.client import Api
from tests.integration.daemons import Pen, inside, move
from tests.integration.processes import wait_until
from tests.integration.test_trouble_reading import Dated
from tests.integration.test_trouble_store import locked

Come = Callable[..., Person]


def sees(who: Person, *commands: str, text: str) -> None:
    """Wait until a command says something."""
    for command in commands:
        wait_until(lambda each=command: text in who.runs(each).text or None, text)  # type: ignore[misc]


@shows("core/status/troubles.py: Drop servers can tell which identities belong together")
def test_identities_that_share_connections(person: Come) -> None:
    """Without the option that is named, the trouble is over."""
    me = person()
    me.starts(options=("--linkable",))
    sees(me, "status", "doctor", text="without --linkable")
    me.stops()
    me.starts()
    assert "--linkable" not in me.runs("status").text


@shows(
    "core/status/troubles.py: Without it, the database cannot be opened again after the daemon",
)
def test_a_key_that_others_can_read_now(person: Come) -> None:
    """After both commands that are said, the key is another one, and nobody else can read it."""
    me = person()
    me.starts()
    key = me.directory / "database-key"
    before = key.read_text()
    key.chmod(0o644)
    sees(me, "status", text="run chmod 600")
    hint = me.runs("status").hint("qabel", "key", "change")
    assert me.types(f"chmod 600 {key}").status == 0
    me.stops()
    me.follows(hint)
    me.starts()
    assert key.read_text() != before
    assert "FAIL" not in me.runs("doctor").text


@shows("core/status/troubles.py: A drop server could not be read for too long; see qabel status.")
def test_a_server_that_is_gone(person: Come) -> None:
    """Health names the command that says which server it is."""
    me = person()
    with BadServer(Box().serve) as server:
        url = server.url
        me.starts(options=("--stale-after", "1"))
        assert me.runs("server", "add", url).status == 0
        assert me.runs("identity", "new", "Alice").status == 0
        assert me.runs("settings", "set", "poll_interval", "0.2").status == 0
    wait_until(lambda: "see qabel status" in me.asks("GET", "/health") or None, "health")
    assert url in me.runs("status").text


@shows("core/status/troubles.py: The proxy does not do its part: nothing can be received or sent")
def test_a_proxy_that_is_gone(person: Come, drop_server: str) -> None:
    """Health names the command that says which proxy it is."""
    me = person()
    me.starts(options=("--proxy", "socks5://127.0.0.1:1"))
    drop = f"http://drop.example.org/{'d' * 43}"
    assert me.runs("identity", "new", "Alice", "--drop", drop).status == 0
    wait_until(lambda: "see qabel status" in me.asks("GET", "/health") or None, "health")
    assert "127.0.0.1:1" in me.runs("status").text


@shows("core/status/troubles.py: Set the clock, and keep it synchronized: timedatectl set-ntp true")
def test_a_clock_that_jumped(person: Come, tmp_path: Path) -> None:
    """A clock that was set is trouble for a while, with the command that keeps it right."""
    me = person()
    clock = tmp_path / "clock"
    me.environment = inside(clock=clock)
    me.starts()
    move(clock, 3600)
    sees(me, "doctor", text="was set forward")


@shows("core/status/troubles.py: Wait, or raise --drop-bandwidth.")
def test_a_drop_that_is_full(person: Come) -> None:
    """With more bandwidth, as is said, the rest of the drop is read."""
    me, box, pen = person(), Dated(), Pen()
    with BadServer(box.serve) as server:
        me.starts(options=("--drop-bandwidth", "0.02"))
        assert me.runs("server", "add", server.url).status == 0
        assert me.runs("identity", "new", "Alice").status == 0
        [mine] = Api(me.directory).good("GET", "/identities")
        box.torn_after = None
        for each in range(40):
            box.put(pen.seal(mine["public_key"], each))
        assert me.runs("settings", "set", "poll_interval", "0.2").status == 0
        sees(me, "status", text="--drop-bandwidth")
        me.stops()
        me.starts(options=("--drop-bandwidth", "10"))
        assert me.runs("inbox", "list", "--poll").status == 0
        sees(me, "status", text="Inbox   40 messages")


@shows("cli/api_errors.py: Run: qabel status")
def test_a_database_that_is_locked(person: Come) -> None:
    """What a command cannot write is explained by the status."""
    me = person()
    me.starts()
    with locked(me.directory):
        said = me.runs("token", "new", "script", "--scope", "read")
        assert said.status == 1
        assert "in use by another process" in me.follows(said.hint("qabel", "status")).text


@contextmanager
def with_messages(me: Person) -> Iterator[None]:
    """Start a daemon with many messages, and stop it."""
    box, pen = Box(), Pen()
    with BadServer(box.serve) as server:
        me.settles("Alice", server.url)
        [mine] = Api(me.directory).good("GET", "/identities")
        sealed = [pen.seal(mine["public_key"], each, padding=900) for each in range(100)]
        box.put(mine["drops"][0], *sealed)
        sees(me, "status", text="Inbox   100 messages")
        yield
        me.stops()


def damage(path: Path, start: int, end: int | None = None) -> None:
    """Overwrite a part of a file."""
    with path.open("r+b") as file:
        file.seek(start)
        file.write(os.urandom((end or path.stat().st_size) - start))


@shows(
    "store/database/errors.py: The database {path} is damaged; it was not changed.",
    "store/database/checking.py: Nothing was replaced or published. To copy what can be read",
    "offline/restoring.py: X is damaged and cannot be restored as a whole.",
    "store/database/salvage.py: Nothing can be salvaged: the key does not fit",
)
def test_damage(person: Come) -> None:
    """Each text names a command with which the rest is copied, or a backup that is restored."""
    me = person()
    with with_messages(me):
        assert me.runs("backup", "one.db", "--with-key").status == 0
        assert me.runs("backup", "two.db", "--with-key").status == 0
    one, two = (next(me.home.rglob(name)) for name in ("one.db", "two.db"))
    database = me.directory / "qabel.db"
    middle = database.stat().st_size // 2
    damage(database, middle, middle + 20)
    copies(me, me.types("qabel key change").hint("qabel", "salvage"), "first")
    damage(two, middle, middle + 20)
    said = me.types(f"qabel restore {two} --data-dir second")
    assert said.status == 1
    by_hand = me.home / "second"
    shutil.copy(two, by_hand / "qabel.db")
    shutil.copy(two.with_name("two.db.key"), by_hand / "database-key")
    hint = said.hint("qabel", "salvage")
    assert me.types(f"qabel {' '.join(hint.words[:1])} --data-dir second --to third").status in (
        0,
        1,
    )
    damage(database, 4096)
    copies(me, me.types("qabel-rest --port 0").hint("qabel", "salvage"), "fourth")
    damage(database, 0, 4096)
    said = me.types("qabel salvage --to fifth")
    assert said.status == 1, said.text
    said = me.types(f"qabel restore {one} --data-dir sixth")
    assert said.status == 0


def copies(me: Person, hint: Mention, new: str) -> None:
    """Do what is said of a damaged database."""
    values = {"OLD": str(me.directory), "NEW": new}
    words = [values.get(each, each) for each in hint.words]
    said = me.types(f"qabel {' '.join(words)}")
    assert said.status in (0, 1), said.text
    assert "Copied" in said.text
    shutil.rmtree(me.home / new)


@shows(
    "cli/accept.py: Pass --alias NAME",
    "core/accepting.py: This message does not introduce its sender. Ask for the contact card",
    "cli/accept.py: Ask for the contact file, and import it: qabel contact import FILE",
)
def test_strangers_without_a_name(person: Come) -> None:
    """Somebody without a usable name gets one, and somebody without a card is asked for it."""
    me, box, pen = person(), Box(), Pen()
    with BadServer(box.serve) as server:
        me.settles("Alice", server.url)
        [mine] = Api(me.directory).good("GET", "/identities")
        card = {
            "alias": "\n",
            "drop_url": f"{server.url}/{'p' * 43}",
            "public_key": {"public_key": pen.public},
        }
        introduced = pen.seal(mine["public_key"], "with", meta_data=json.dumps(card).encode())
        box.put(mine["drops"][0], introduced, pen.seal(mine["public_key"], "without"))
        sees(me, "inbox", text="without")
        lines = me.runs("inbox").text.splitlines()
        numbers = {each.split()[-1]: each.split()[0] for each in lines[1:3]}
        body = {"from_message": int(numbers["without"])}
        assert "contact import FILE" in me.asks("POST", "/contacts", body)
        said = me.runs("contact", "accept", numbers["without"])
        assert said.hint("qabel", "contact", "import")
        assert me.runs("contact", "accept", numbers["with"]).status == 1
        assert me.runs("contact", "accept", numbers["with"], "--alias", "Pen").status == 0
