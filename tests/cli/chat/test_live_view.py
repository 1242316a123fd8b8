"""The live view, in real terminals, with real daemons."""

from tests.cli.chat.conftest import Talkers
from tests.cli.chat.terminals import (
    CTRL_C,
    CTRL_D,
    ENTER,
    NEW_LINE,
    PAGE_DOWN,
    PAGE_UP,
    Terminal,
)
from tests.integration.daemons import eventually


def unread(talkers: Talkers) -> int:
    """Return how many messages Bob has not read."""
    return int(talkers.bob.api.good("GET", "/chat/unread")["total"])


def test_two_people_talk(talkers: Talkers) -> None:
    """Each sees what the other writes while typing, states change in place, and it is read."""
    with (
        Terminal(talkers.alice.directory, "chat", "Bob") as alice,
        Terminal(talkers.bob.directory, "chat", "Alice") as bob,
    ):
        alice.wait_for("Ctrl-D ends")
        bob.wait_for("Ctrl-D ends")
        bob.type("I am writing")
        bob.wait_for("> I am writing")
        alice.type(f"Hello Bob{ENTER}")
        bob.wait_for("Alice: Hello Bob")
        assert "> I am writing" in bob.text
        alice.wait_for("Alice: Hello Bob [acknowledged]")
        bob.type(f" to you{ENTER}")
        alice.wait_for("Bob: I am writing to you")
        bob.wait_for("Bob: I am writing to you [acknowledged]")
        assert alice.text.count("Hello Bob") == 1
        assert bob.text.count("I am writing") == 1
        eventually(lambda: unread(talkers) == 0, "not marked as read")
        alice.type(CTRL_D)
        assert alice.ended() == 0
        bob.type(CTRL_C)
        assert bob.ended() == 130


def test_what_is_harmful_is_escaped(talkers: Talkers) -> None:
    """Escape sequences, line ends and bidi overrides of the other side change nothing."""
    evil = "\x1b]0;title\x07\x1b[2J\u202eabc\r\x9b31m"
    talkers.other_qabel.json("chat", "Alice", stdin=evil.encode())
    with Terminal(talkers.alice.directory, "chat", "Bob") as alice:
        alice.wait_for(r"Bob: \x1b]0;title\x07\x1b[2J\u202eabc\r\x9b31m")
        for each in (b"\x1b]0;title", "\u202e".encode(), b"\r\xc2\x9b"):
            assert each not in alice.raw
        alice.type(CTRL_D)
        assert alice.ended() == 0


def test_the_daemon_is_killed_meanwhile(talkers: Talkers) -> None:
    """The view says so; what is typed meanwhile is sent once, and what came is shown once."""
    with Terminal(talkers.bob.directory, "chat", "Alice", columns=100) as bob:
        bob.wait_for("Ctrl-D ends")
        talkers.bob.process.kill()
        bob.wait_for("Connection lost. Reconnecting until the daemon is back.")
        bob.type(f"kept meanwhile{ENTER}")
        bob.wait_for("Bob: kept meanwhile [sending]")
        talkers.qabel.json("chat", "Bob", stdin=b"while you were away\n")
        talkers.bob.again()
        bob.wait_for("Alice: while you were away")
        bob.wait_for("Bob: kept meanwhile [acknowledged]")
        bob.wait_for("Ctrl-D ends")
        assert bob.text.count("kept meanwhile") == 1
        assert bob.text.count("while you were away") == 1
        bob.type(CTRL_D)
        assert bob.ended() == 0
    found = [each["text"] for each in talkers.qabel.json("chat", "Bob")]
    assert found.count("kept meanwhile") == 1


def test_a_text_that_is_not_taken(talkers: Talkers) -> None:
    """If the daemon does not come back, the end says so, and the text is not lost."""
    with Terminal(talkers.bob.directory, "chat", "Alice") as bob:
        bob.wait_for("Ctrl-D ends")
        talkers.bob.process.kill()
        bob.wait_for("Connection lost")
        bob.type(f"never sent{ENTER}")
        bob.wait_for("[sending]")
        bob.type(CTRL_D)
        assert bob.ended() == 3
        assert "Not sent: never sent" in bob.text
        assert "The daemon did not accept 1 message." in bob.text
    talkers.bob.again()


def test_several_lines(talkers: Talkers) -> None:
    """Lines that are pasted, or typed with Alt-Enter, are one message."""
    with Terminal(talkers.alice.directory, "chat", "Bob") as alice:
        alice.wait_for("Ctrl-D ends")
        alice.paste("first\nsecond")
        alice.wait_for("second")
        alice.type(f"{NEW_LINE}third{ENTER}")
        alice.wait_for("third [acknowledged]")
        alice.type(CTRL_D)
        assert alice.ended() == 0
    assert talkers.qabel.json("chat", "Bob", "-n", "1")[0]["text"] == "first\nsecond\nthird"


def test_the_window_changes_its_size(talkers: Talkers) -> None:
    """Messages are broken anew, wide characters too, and the newest stays in sight."""
    text = "漢字" * 20 + " " + "word " * 12 + "end"
    talkers.qabel.json("chat", "Bob", stdin=text.encode())
    with Terminal(talkers.alice.directory, "chat", "Bob", columns=120, rows=30) as alice:
        alice.wait_for("end [")
        alice.resize(40, 12)
        alice.wait_for(lambda: alice.lines[10].startswith(" Bob (you are Alice"))
        alice.wait_for(lambda: "word end [" in alice.text)
        assert alice.lines[11].startswith(">")
        alice.resize(100, 30)
        alice.wait_for(lambda: alice.lines[28].startswith(" Bob (you are Alice"))
        alice.type(CTRL_D)
        assert alice.ended() == 0


def test_what_was_being_typed(talkers: Talkers) -> None:
    """It is kept as a draft, shown in the list, and is there again until it is sent."""
    with Terminal(talkers.alice.directory, "chat", "Bob") as alice:
        alice.wait_for("Ctrl-D ends")
        alice.type("not yet")
        alice.wait_for("> not yet")
        alice.type(CTRL_D)
        assert alice.ended() == 0
    assert "[draft] not yet" in talkers.qabel("chat").out
    with Terminal(talkers.alice.directory, "chat", "Bob") as alice:
        alice.wait_for("> not yet")
        alice.type(f", but now{ENTER}")
        alice.wait_for("not yet, but now [")
        alice.type(CTRL_D)
        assert alice.ended() == 0
    [found] = talkers.qabel.json("chat")
    assert found["draft"] is None


def test_earlier_messages(talkers: Talkers) -> None:
    """They are loaded when the view is scrolled up, and the way back is shown."""
    lines = "".join(f"line {number}\n" for number in range(60))
    talkers.qabel.json("chat", "--notes", stdin=lines.encode())
    with Terminal(talkers.alice.directory, "chat", "--notes", rows=12, columns=100) as alice:
        alice.wait_for("line 59 [")
        for _ in range(7):
            alice.type(PAGE_UP)
        alice.wait_for("line 0 [").wait_for("PageDown leads to the newest message")
        for _ in range(8):
            alice.type(PAGE_DOWN)
        alice.wait_for("line 59 [")
        alice.type(CTRL_D)
        assert alice.ended() == 0


def test_a_message_that_is_rejected(talkers: Talkers) -> None:
    """What the daemon does not take is shown with the reason, and is tried no further."""
    api = talkers.alice.api
    with Terminal(talkers.alice.directory, "chat", "Bob", columns=100) as alice:
        alice.wait_for("Ctrl-D ends")
        [bob] = [each for each in api.good("GET", "/contacts") if each["alias"] == "Bob"]
        api.good("DELETE", f"/contacts/{bob['id']}")
        alice.type(f"too late{ENTER}")
        alice.wait_for("too late [not sent: The other side of this conversation is no contact any")
        alice.type(CTRL_D)
        assert alice.ended() == 0
    talkers.alice.knows("Bob", bob["public_key"], *bob["drop_urls"])


def test_a_tiny_window(talkers: Talkers) -> None:
    """However small it is for a while, nothing breaks."""
    with Terminal(talkers.alice.directory, "chat", "Bob") as alice:
        alice.wait_for("Ctrl-D ends")
        for columns, rows in ((5, 3), (1, 1), (2, 50)):
            alice.resize(columns, rows)
        alice.resize(80, 24)
        alice.wait_for("Ctrl-D ends")
        alice.type(f"still there{ENTER}")
        alice.wait_for("Alice: still there [")
        alice.type(CTRL_D)
        assert alice.ended() == 0


def test_the_terminal_is_left_as_it_was(talkers: Talkers) -> None:
    """Also when the view is ended by a signal: what was typed is kept then too."""
    with Terminal(talkers.alice.directory, "chat", "Bob") as alice:
        alice.wait_for("Ctrl-D ends")
        alice.type("half a")
        alice.wait_for("> half a")
        alice.end()
        assert alice.ended() == 128 + 15
        assert alice.raw.count(b"\x1b[?1049h") == alice.raw.count(b"\x1b[?1049l") == 1
    bob, *_ = [each for each in talkers.qabel.json("chat") if each["alias"] == "Bob"]
    assert bob["draft"] == "half a"
    talkers.alice.api.good("PATCH", f"/chat/conversations/{bob['id']}", {"draft": None})


def test_what_is_entered_just_before_the_end(talkers: Talkers) -> None:
    """It is sent."""
    with Terminal(talkers.alice.directory, "chat", "Bob") as alice:
        alice.wait_for("Ctrl-D ends")
        alice.type(f"last words{ENTER}{CTRL_D}")
        assert alice.ended() == 0
    assert talkers.qabel.json("chat", "Bob", "-n", "1")[0]["text"] == "last words"
