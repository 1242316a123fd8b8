"""Programs with windows: Tk on a virtual display, Qt without any."""

import importlib.util
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from tests.embed.conftest import Run


def _have(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


@pytest.fixture
def display() -> Iterator[str]:
    """Return a virtual display."""
    if shutil.which("Xvfb") is None:
        pytest.skip("Xvfb is not installed")
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", "640x480x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        assert server.stdout is not None
        yield f":{server.stdout.readline().decode().strip()}"
        server.terminate()


@pytest.mark.skipif(not _have("tkinter"), reason="this Python has no tkinter")
def test_tk(run: Run, display: str) -> None:
    """A Tk program shows messages in its window, and calls the daemon while more arrive."""
    out = run(
        """
        import tkinter
        root = tkinter.Tk()
        label = tkinter.Label(root)
        label.pack()
        root.after(40000, lambda: sys.exit("nothing was heard"))
        daemon = qabel.embed.start(FOLDER + "/a", drop_server=qabel.embed.ANY_PORT)
        heard = []

        def hear(message):
            heard.append(message["data"]["msg"])
            label["text"] = ", ".join(sorted(heard))
            # Others are on their way to this thread: they must not keep the call from its answer.
            assert daemon.call(lambda core: 5, timeout=10) == 5
            root.after(0, root.quit) if len(heard) == 20 else None

        def begin():
            alice, contact = daemon.call(meet)
            for number in range(20):
                daemon.call(lambda core: say(core, alice, contact, str(number)))

        daemon.on_message(hear, deliver=lambda call: root.after(0, call))
        root.after(0, begin)
        root.mainloop()
        root.update()
        print(label.winfo_ismapped(), label["text"].count(","))
        daemon.stop()
        root.destroy()
        """,
        DISPLAY=display,
    )
    assert out == "1 19\n"


@pytest.mark.skipif(not _have("PySide6"), reason="PySide6 is not installed")
def test_qt(run: Run) -> None:
    """A Qt program gets messages by a signal in the thread of its event loop."""
    out = run(
        """
        import threading
        from PySide6.QtCore import QObject, QTimer, Signal
        from PySide6.QtWidgets import QApplication, QLabel
        application = QApplication([])
        label = QLabel()
        label.show()

        class Calls(QObject):
            come = Signal(object)

            def __init__(self):
                super().__init__()
                self.come.connect(self.do)

            def do(self, call):
                call()

        def hear(message):
            assert threading.current_thread() is threading.main_thread()
            label.setText(message["data"]["msg"])
            assert daemon.call(lambda core: 5, timeout=10) == 5
            print(label.isVisible(), label.text())
            application.quit()

        def begin():
            alice, contact = daemon.call(meet)
            daemon.call(lambda core: say(core, alice, contact, "hello"))

        calls = Calls()
        QTimer.singleShot(40000, lambda: sys.exit("nothing was heard"))
        with qabel.embed.start(FOLDER + "/a", drop_server=qabel.embed.ANY_PORT) as daemon:
            daemon.on_message(hear, deliver=calls.come.emit)
            QTimer.singleShot(0, begin)
            application.exec()
        """,
        QT_QPA_PLATFORM="offscreen",
    )
    assert out == "True hello\n"
