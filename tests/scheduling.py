"""Which process runs which tests, also after one of them has crashed."""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController


class CrashProofScheduling(LoadFileScheduling):
    """Gives each process whole files, and those of a process that crashed to others.

    The scheduling that this is based on also gives away the files of that process that were done:
    whoever gets nothing but such a file waits for ever (pytest-xdist 3.8).
    """

    def remove_node(self, node: WorkerController) -> str | None:
        """Forget a process; return the test during which it crashed, None if it did not."""
        files = self.assigned_work[node]
        for name in [name for name, tests in files.items() if all(tests.values())]:
            del files[name]
        return super().remove_node(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(
    config: pytest.Config, log: Producer
) -> CrashProofScheduling | None:
    """Return this scheduling for ``--dist loadfile``, and xdist's own otherwise."""
    if config.getoption("dist") != "loadfile":
        return None
    return CrashProofScheduling(config, log)
