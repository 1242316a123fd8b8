"""A daemon in a program: how it starts and stops, and what it leaves alone."""

from tests.embed.conftest import Run


def test_a_daemon_in_a_block(run: Run) -> None:
    """The daemon serves REST inside the block, and nothing of it is left afterwards."""
    run("""
        import json, os, threading, urllib.request
        with qabel.embed.start(data_dir="~/a", listen="tcp:0:interface=127.0.0.1") as daemon:
            assert daemon.socket == __import__("pathlib").Path(FOLDER, "a/rest.sock"), daemon.socket
            request = urllib.request.Request(daemon.url + "/status")
            request.add_header("Authorization", "Bearer " + daemon.token)
            with urllib.request.urlopen(request, timeout=20) as answer:
                told = json.load(answer)
            status = daemon.call(lambda core: core.status())
            assert told["inbox"]["messages"] == status.inbox.messages
        for use in (lambda: daemon.url, lambda: daemon.token, lambda: daemon.call(lambda core: 1),
                    lambda: daemon.on_message(print, deliver=print)):
            assert "start another" in refused(qabel.embed.Stopped, use)
        daemon.stop()
        assert not daemon.socket.exists()
    """)


def test_again_and_several(run: Run) -> None:
    """A directory can be used again, and daemons run side by side in different ones."""
    run("""
        for turn in range(2):
            with qabel.embed.start(FOLDER + "/a", listen=()) as daemon:
                assert "no TCP" in refused(qabel.embed.EmbedError, lambda: daemon.url)
                with qabel.embed.start(FOLDER + "/b", drop_server=qabel.embed.ANY_PORT) as other:
                    assert other.call(lambda core: core.synced.value.drop_servers)
                    assert not daemon.call(lambda core: core.synced.value.drop_servers)
                    assert daemon.call(lambda core: core) is not other.call(lambda core: core)
                assert daemon.call(lambda core: 5) == 5
    """)


def test_a_second_start(run: Run) -> None:
    """A directory in use is rejected with one line, and the first daemon goes on."""
    run("""
        with qabel.embed.start(FOLDER + "/a") as daemon:
            why = refused(qabel.embed.StartError, qabel.embed.start, FOLDER + "/a")
            assert "in use by this process already" in why, why
            assert daemon.call(lambda core: 5) == 5
    """)


def test_a_start_that_fails(run: Run) -> None:
    """A failed start raises one line, and the next start can succeed."""
    run("""
        import socket
        from qabel.store.key_record import GivenKey
        qabel.embed.start(FOLDER + "/a").stop()
        wrong = GivenKey(bytes(32))
        for _ in range(2):
            why = refused(qabel.embed.StartError, qabel.embed.start, FOLDER + "/a", key=wrong)
            assert "key does not open" in why, why
        with socket.create_server(("127.0.0.1", 0)) as taken:
            place = f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1"
            for option in ("listen", "drop_server"):
                refused(qabel.embed.StartError, qabel.embed.start, FOLDER + "/a", **{option: place})
        open(FOLDER + "/file", "w").close()
        refused(qabel.embed.StartError, qabel.embed.start, FOLDER + "/file")
        with qabel.embed.start(FOLDER + "/a") as daemon:
            assert daemon.call(lambda core: 5) == 5
    """)


def test_wrong_arguments(run: Run) -> None:
    """Invalid arguments are rejected before anything is started."""
    run("""
        start, StartError = qabel.embed.start, qabel.embed.StartError
        refused(ValueError, start, "")
        refused(TypeError, start, None)
        refused(ValueError, start, FOLDER + "/a", timeout=0)
        refused(ValueError, start, FOLDER + "/a", timeout=float("nan"))
        refused(TypeError, start, FOLDER + "/a", listen=[9696])
        refused(TypeError, start, FOLDER + "/a", listen=b"tcp:0")
        refused(TypeError, start, FOLDER + "/a", key=5)
        for wrong in ("9696", "tcp:0", "tcp:0:interface=0.0.0.0"):
            refused(StartError, start, FOLDER + "/a", listen=wrong)
            refused(StartError, start, FOLDER + "/a", drop_server=wrong)
        assert "must be one of" in refused(StartError, start, FOLDER + "/a", key="secret")
        assert not __import__("os").path.exists(FOLDER + "/a")
        with start(FOLDER + "/a") as daemon:
            refused(ValueError, daemon.call, lambda core: 1, timeout=-1)
            refused(TypeError, daemon.call, None)
            refused(TypeError, daemon.on_message, print, deliver=None)
            refused(ValueError, daemon.stop, timeout=0)
            assert daemon.call(lambda core: 5) == 5
    """)


def test_a_reactor_of_the_program(run: Run) -> None:
    """A program that runs the reactor must use make_service, as ``start`` says."""
    run("""
        from pathlib import Path
        from twisted.internet import reactor, task

        async def main(reactor):
            await task.deferLater(reactor, 0)
            why = refused(qabel.embed.EmbedError, qabel.embed.start, FOLDER + "/a")
            assert "make_service" in why
            daemon = qabel.embed.make_service(Path(FOLDER, "a"))
            daemon.startService()
            await daemon.ready
            assert daemon.addresses[0].port
            second = qabel.embed.make_service(FOLDER + "/a", listen=())
            refused(qabel.embed.StartError, second.startService)
            assert (await daemon.core.status()).status == "running"
            await daemon.stopService()

        task.react(lambda reactor: task.ensureDeferred(main(reactor)))
    """)


def test_a_reactor_that_has_ended(run: Run) -> None:
    """A reactor that has ended cannot be started again, and ``start`` says so at once."""
    run("""
        from twisted.internet import reactor
        reactor.callWhenRunning(reactor.stop)
        reactor.run()
        for _ in range(2):
            why = refused(qabel.embed.EmbedError, qabel.embed.start, FOLDER + "/a", timeout=1)
            assert "cannot be started" in why, why
    """)


def test_logs_go_where_the_program_logs(run: Run) -> None:
    """Logs reach the logger "qabel" without secrets; warnings remain the program's."""
    run("""
        import io, logging, warnings
        shown, showwarning, log = [], warnings.showwarning, io.StringIO()
        logging.basicConfig(level=logging.DEBUG, stream=log)
        with qabel.embed.start(FOLDER + "/a") as daemon:
            token = daemon.token
        assert "INFO:qabel:qabel-rest listens on 127.0.0.1:" in log.getvalue()
        assert token not in log.getvalue()
        assert warnings.showwarning is showwarning
        print("standard output stays the program's")
    """)


def test_the_application_stays_as_it_is(run: Run) -> None:
    """Clock, garbage collector, switch interval, umask and signals are left alone."""
    run("""
        import gc, os, signal, sys, threading
        from twisted.internet import reactor

        def settings():
            mask = os.umask(0o027)
            os.umask(mask)
            return (
                reactor.seconds, gc.isenabled(), gc.get_threshold(), gc.get_freeze_count(),
                sys.getswitchinterval(), mask, signal.getsignal(signal.SIGINT), sys.excepthook,
                threading.excepthook, os.getpriority(os.PRIO_PROCESS, 0),
            )

        os.umask(0o002)
        before = settings()
        with qabel.embed.start(FOLDER + "/a", drop_server=qabel.embed.ANY_PORT) as daemon:
            alice, contact = daemon.call(meet)
            daemon.call(lambda core: say(core, alice, contact, "hello"))
            assert settings() == before, (settings(), before)
            children = f"/proc/self/task/{os.getpid()}/children"
            assert not os.path.exists(children) or not open(children).read()
        assert settings() == before
    """)


def test_the_page(run: Run) -> None:
    """Each address of the page lets one browser in; without a port there is none."""
    run(
        """
        import json, urllib.request

        def begin(url):
            address, code = url.split("#")
            body = json.dumps({"code": code, "name": "window"}).encode()
            request = urllib.request.Request(
                address + "console/sessions", body, {"Content-Type": "application/json"}
            )
            return json.load(urllib.request.urlopen(request))

        with qabel.embed.start(FOLDER + "/a", modules=["chat"]) as daemon:
            first, second = daemon.page_url(), daemon.page_url()
            assert first != second and first.startswith(daemon.url + "/#")
            assert "chat:read" in begin(first)["scopes"]
            begin(second)
            said = daemon.call(lambda core: [each.name for each in core.tokens.all()])
            assert said == ["window", "window"], said
        with qabel.embed.start(FOLDER + "/b", listen=()) as daemon:
            said = refused(qabel.embed.EmbedError, daemon.page_url)
            assert "loopback" in said, said
        """
    )
