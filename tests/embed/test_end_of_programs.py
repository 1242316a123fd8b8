"""The end of programs, of the reactor, and of forked processes."""

from pathlib import Path

from qabel.host.data_directory import DirectoryLock
from tests.embed.conftest import Run


def test_a_program_that_never_stops_it(run: Run, tmp_path: Path) -> None:
    """At the end of a program the daemon is stopped properly, and nothing hangs."""
    run("""
        daemon = qabel.embed.start(FOLDER + "/a")
        daemon.on_message(print, deliver=lambda call: call())
        daemon.call(lambda core: core.local.set("poll_interval", 7))
    """)
    assert not (tmp_path / "a" / "rest.sock").exists()
    with DirectoryLock(tmp_path / "a"):
        assert not list((tmp_path / "a").glob("*-wal"))
    run("""
        with qabel.embed.start(FOLDER + "/a") as daemon:
            assert daemon.call(lambda core: core.local.value.poll_interval) == 7
    """)


def test_a_program_that_fails(run: Run, tmp_path: Path) -> None:
    """A program that fails keeps its own exception and exit status."""
    run('daemon = qabel.embed.start(FOLDER + "/a")\nraise ValueError("mine")', status=1)
    run('with qabel.embed.start(FOLDER + "/a"):\n    sys.exit(3)', status=3)
    assert not (tmp_path / "a" / "rest.sock").exists()


def test_an_interrupted_program(run: Run, tmp_path: Path) -> None:
    """Ctrl-C ends a program that waits in its block, and the daemon with it."""
    run(
        """
        import os, signal, threading
        with qabel.embed.start(FOLDER + "/a") as daemon:
            threading.Timer(0, os.kill, (os.getpid(), signal.SIGINT)).start()
            threading.Event().wait(30)
        """,
        status=-2,
    )
    assert not (tmp_path / "a" / "rest.sock").exists()


def test_somebody_stops_the_reactor(run: Run) -> None:
    """Daemons stop before the reactor; later calls and starts say that it has stopped."""
    run("""
        import threading
        from twisted.internet import reactor
        from twisted.internet.defer import Deferred
        daemon = qabel.embed.start(FOLDER + "/a")
        socket = daemon.socket
        daemon.call(lambda core: reactor.callLater(0, reactor.stop))
        refused(qabel.embed.Stopped, daemon.call, lambda core: Deferred())
        daemon.stop()
        daemon.stop()
        assert not socket.exists()
        for thread in threading.enumerate():
            if thread.name == "qabel-reactor":
                thread.join(20)
        refused(qabel.embed.Stopped, daemon.call, lambda core: 1)
        why = refused(qabel.embed.Stopped, qabel.embed.start, FOLDER + "/b")
        assert "cannot be started again" in why, why
    """)


def test_forked_processes(run: Run) -> None:
    """A forked process cannot use the daemon, and does not disturb its parent's."""
    out = run("""
        import os
        daemon = qabel.embed.start(FOLDER + "/a")
        child = os.fork()
        if not child:
            for function in (lambda: daemon.call(print), lambda: qabel.embed.start(FOLDER + "/b")):
                assert "forked" in refused(qabel.embed.EmbedError, function)
            daemon.stop()
            print("child", flush=True)
            # Exit handlers of C libraries may wait for locks that the parent's threads held.
            os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        assert daemon.call(lambda core: core.status()).status == "running"
        daemon.stop()
        print("parent")
    """)
    assert out == "child\nparent\n"


def test_spawned_processes(run: Run, tmp_path: Path) -> None:
    """A spawned process, as of multiprocessing, may have daemons of its own."""
    (tmp_path / "program.py").write_text(
        "import multiprocessing, sys\n"
        "import qabel.embed\n"
        "def work(folder):\n"
        "    with qabel.embed.start(folder, listen=()) as daemon:\n"
        "        assert daemon.call(lambda core: 5) == 5\n"
    )
    run("""
        sys.path.insert(0, FOLDER)
        import multiprocessing, program
        with qabel.embed.start(FOLDER + "/a", listen=()):
            child = multiprocessing.get_context("spawn").Process(
                target=program.work, args=(FOLDER + "/b",))
            child.start()
            child.join(40)
            assert child.exitcode == 0
    """)
