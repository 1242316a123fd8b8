"""Calling the core from the threads of a program."""

from tests.embed.conftest import Run


def test_what_a_call_gives(run: Run) -> None:
    """A call returns values, also of awaitables, and raises exceptions with their traceback."""
    run("""
        import traceback
        from twisted.internet.defer import Deferred, fail, succeed
        from twisted.internet.defer import TimeoutError as DeferredTimeout

        def deep(core):
            raise KeyError("x")

        async def deeper(core):
            await succeed(None)
            deep(core)

        with qabel.embed.start(FOLDER + "/a", listen=()) as daemon:
            assert daemon.call(lambda core: 1) == 1
            assert daemon.call(lambda core: succeed(2)) == 2
            for function in (deep, deeper):
                try:
                    daemon.call(function)
                except KeyError as error:
                    names = [each.name for each in traceback.extract_tb(error.__traceback__)]
                    assert names[0] == "<module>" and names[-1] == "deep", names
            # Time-outs of the function's own are not those of the call.
            refused(TimeoutError, daemon.call, lambda core: fail(TimeoutError()))
            refused(DeferredTimeout, daemon.call, lambda core: fail(DeferredTimeout()))
            refused(SystemExit, daemon.call, lambda core: sys.exit(5))
            assert daemon.call(lambda core: 5) == 5
    """)


def test_deadlines(run: Run) -> None:
    """A call that takes too long is cancelled; one that blocks the reactor is abandoned."""
    run("""
        import threading
        from twisted.internet.defer import CancelledError, Deferred
        seen = []

        async def patient(core):
            try:
                await Deferred()
            except CancelledError:
                seen.append("cancelled")
                raise

        async def stubborn(core):
            try:
                await Deferred()
            except CancelledError:
                await patient(core)

        go_on = threading.Event()
        with qabel.embed.start(FOLDER + "/a", listen=()) as daemon:
            for function in (patient, lambda core: Deferred(), stubborn, lambda core: go_on.wait()):
                why = refused(qabel.embed.CallTimeout, daemon.call, function, timeout=0.1)
                assert "0.1 seconds" in why, why
            go_on.set()
            assert daemon.call(lambda core: 5) == 5
            assert seen[0] == "cancelled"
        assert issubclass(qabel.embed.CallTimeout, TimeoutError)
    """)


def test_calls_from_the_reactors_thread(run: Run) -> None:
    """Calls from the reactor's thread would deadlock and are rejected."""
    run("""
        with qabel.embed.start(FOLDER + "/a") as daemon:
            for function in (
                lambda core: daemon.call(lambda core: 1),
                lambda core: daemon.stop(),
                lambda core: qabel.embed.start(FOLDER + "/b"),
                lambda core: daemon.on_message(print, deliver=print),
            ):
                why = refused(qabel.embed.EmbedError, daemon.call, function)
                assert "reactor's own thread" in why, why
            assert daemon.call(lambda core: 5) == 5
    """)


def test_many_threads(run: Run) -> None:
    """Any thread may call; stopping ends the calls that are waiting."""
    run("""
        import threading
        from concurrent.futures import ThreadPoolExecutor
        from twisted.internet.defer import Deferred
        daemon = qabel.embed.start(FOLDER + "/a", listen=())
        under_way = threading.Barrier(9)

        def wait(number):
            def hold(core):
                started.append(number)
                return Deferred()
            started = []
            assert daemon.call(lambda core: number) == number
            under_way.wait(20)
            return refused(qabel.embed.Stopped, daemon.call, hold)

        with ThreadPoolExecutor(8) as pool:
            waiting = [pool.submit(wait, number) for number in range(8)]
            under_way.wait(20)
            stops = [threading.Thread(target=daemon.stop) for _ in range(3)]
            for each in stops: each.start()
            for each in stops: each.join()
            for each in waiting:
                assert "stopped" in each.result(20)
        qabel.embed.start(FOLDER + "/a").stop()
    """)


def test_interrupts(run: Run) -> None:
    """Ctrl-C in the main thread ends the wait and cancels the call."""
    run("""
        import os, signal, threading
        from twisted.internet.defer import Deferred
        cancelled = threading.Event()

        def interrupt(core):
            os.kill(os.getpid(), signal.SIGINT)
            return Deferred(lambda _: cancelled.set())

        with qabel.embed.start(FOLDER + "/a") as daemon:
            refused(KeyboardInterrupt, daemon.call, interrupt)
            assert cancelled.wait(20)
            assert daemon.call(lambda core: 5) == 5
    """)


def test_sealing_holds_up_nobody(run: Run) -> None:
    """A message for a single contact is sealed on another thread than the reactor's too."""
    run("""
        import threading
        sealing = set()

        def note(frame, event, _):
            if event == "call" and frame.f_code.co_name == "seal_box":
                sealing.add(threading.get_ident())

        threading.setprofile(note)
        with qabel.embed.start(FOLDER + "/a", drop_server=qabel.embed.ANY_PORT) as daemon:
            alice, contact = daemon.call(meet)
            daemon.call(lambda core: say(core, alice, contact, "hello"))
            reactor_thread = daemon.call(lambda core: threading.get_ident())
        assert sealing
        assert reactor_thread not in sealing
    """)
