"""Messages that are delivered to a program's own thread."""

from tests.embed.conftest import Run


def test_messages_in_the_main_thread(run: Run) -> None:
    """Messages arrive in order in the right thread, and none after the end of the delivery."""
    out = run("""
        import queue, threading
        calls = queue.Queue()
        with qabel.embed.start(FOLDER + "/a", drop_server=qabel.embed.ANY_PORT) as daemon:
            alice, contact = daemon.call(meet)
            heard = []

            def hear(message):
                assert threading.current_thread() is threading.main_thread()
                heard.append(message["data"]["msg"])

            end = daemon.on_message(hear, deliver=calls.put)
            for text in ("one", "two"):
                daemon.call(lambda core: say(core, alice, contact, text))
            while len(heard) < 2:
                calls.get(timeout=30)()
            assert sorted(heard) == ["one", "two"]
            again = []
            stop = daemon.on_message(lambda each: again.append(each), deliver=calls.put, since="0")
            late = calls.get(timeout=30)
            stop()
            late()
            assert again == []
            end()
        print("done")
    """)
    assert out == "done\n"


def test_a_program_that_is_not_ready(run: Run) -> None:
    """A message that cannot be delivered is retried, and blocks neither calls nor stopping."""
    run("""
        import logging, queue, threading
        logging.getLogger("qabel").setLevel(logging.CRITICAL)
        with qabel.embed.start(FOLDER + "/a", drop_server=qabel.embed.ANY_PORT) as daemon:
            alice, contact = daemon.call(meet)
            refusals, taken, entered = [], queue.Queue(), threading.Event()

            def deliver(call):
                if not refusals:
                    refusals.append(call)
                    raise RuntimeError("main thread is not in main loop")
                taken.put(call)

            def hang(call):
                entered.set()
                threading.Event().wait()

            heard = []
            daemon.on_message(heard.append, deliver=deliver)
            daemon.on_message(heard.append, deliver=hang)
            daemon.call(lambda core: say(core, alice, contact, "hello"))
            taken.get(timeout=30)()
            assert [each["data"]["msg"] for each in heard] == ["hello"]
            assert entered.wait(30)
            assert daemon.call(lambda core: 5) == 5
    """)


def test_beside_asyncio(run: Run) -> None:
    """An asyncio program gets messages in its loop, and can call without blocking it."""
    run("""
        import asyncio

        async def main():
            loop, heard = asyncio.get_running_loop(), asyncio.Queue()
            with qabel.embed.start(FOLDER + "/a", drop_server=qabel.embed.ANY_PORT) as daemon:
                daemon.on_message(heard.put_nowait, deliver=loop.call_soon_threadsafe)
                alice, contact = await asyncio.to_thread(daemon.call, meet)
                await asyncio.to_thread(daemon.call, lambda core: say(core, alice, contact, "hi"))
                message = await asyncio.wait_for(heard.get(), 30)
                assert message["data"]["msg"] == "hi"

        asyncio.run(main())
    """)


def test_a_cursor_of_another_database(run: Run) -> None:
    """A cursor of another database raises Gone, as it does over REST."""
    run("""
        from qabel.core.errors import Gone
        with qabel.embed.start(FOLDER + "/a", listen=()) as daemon:
            refused(Gone, daemon.on_message, print, deliver=print, since="other.5")
    """)
