"""Run a module in a test: with a real database and journal, on a clock of the test's own."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, cast

from attrs import define, field

from qabel.core.journal.cursor_marks import CursorMarks
from qabel.core.journal.journal import Journal
from qabel.core.service import CoreService
from qabel.deferreds import result_of
from qabel.host.job_thread import InlineWorker
from qabel.modules.api import Module
from qabel.modules.known_people import KnownPeople
from qabel.modules.module_reader import ModuleReader
from qabel.modules.own_settings import OwnSettings
from qabel.modules.pacing import Pacing
from qabel.modules.reading import Reading
from qabel.modules.runner import ModuleRunner
from qabel.modules.tools import ModuleTools
from qabel.store.database.database import Database
from qabel.store.journal.entries import JournalEntries
from qabel.store.key_record import GivenKey
from qabel.store.modules.progress import ModuleRepository
from qabel.store.numbers import last_seq
from qabel.testing.module_core import MemoryCore
from qabel.testing.module_journal import ModuleJournal
from qabel.testing.module_kills import DyingRepository, DyingThread, Kills
from qabel.testing.module_outbox import MemoryOutbox

LONG = 300
"""Seconds that ``settle`` lets pass: more than all pauses of the daemon."""


@define(eq=False)
class ModuleDesk(ModuleJournal):
    """A module, and what happens to it. Open it with ``ModuleDesk.open``.

    The database, the journal, the settings and what runs the module are those of the daemon. There
    is one identity with one contact; whatever happens is dealt with at once.
    """

    kills: Kills = field(kw_only=True)
    core: MemoryCore = field(init=False)
    services: dict[str, object] = field(factory=dict, init=False)
    """What other modules offer, by their names."""
    passed_on: list[object] = field(factory=list, init=False)
    """What the module has passed on to its companion."""
    _journal: Journal = field(init=False)
    _runner: ModuleRunner | None = field(default=None, init=False)

    @classmethod
    def open(cls, folder: Path, module: Module, *, kills: Kills | None = None) -> Self:
        """Return a desk at which the module runs.

        Args:
            folder: where the database is made; it must be empty.
            module: the module.
            kills: when the module is killed; never if left out.

        """
        database = Database(folder / "qabel.db", GivenKey(bytes(32)), worker=InlineWorker)
        result_of(database.open())
        made = cls(database, module, kills=kills or Kills())
        made.start()
        return made

    def __attrs_post_init__(self) -> None:
        self.core = MemoryCore(self.module, self.now)
        self.identity_id, self.identity = self.core.add_identity("Me")
        self.contact_id, self.contact = self.core.add_contact(self.identity, "Bob")
        self._journal = Journal(
            entries=JournalEntries(self.database),
            clock=self.clock,
            marks=CursorMarks([], "mark", 0),
            last_seq=0,
            floor=0,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def store(self, values: Mapping[str, Any], where: str = "local") -> None:
        """Have the user change the settings of the module.

        Args:
            values: its object in ``module_data``; InvalidInput is raised if its form refuses it.
            where: ``local``, ``synced``, or the id of a contact.

        """
        self.core.store(where, values)
        self._add_event("settings" if where == "local" else "synced", {}, None)

    def start(self) -> None:
        """Start the module, as the daemon does when it starts."""
        while self._runner is None or self.kills.has_killed():
            self._runner = self._new_runner()
            self._runner.start()

    def stop(self) -> None:
        """Stop it."""
        if self._runner is not None:
            self._runner.stop()
            self._runner = None

    def rebuild(self) -> None:
        """Have it make its derived tables anew."""
        if self._runner is not None:
            self._runner.rebuild()
        self.settle()

    def settle(self) -> None:
        """Let time pass until the module has dealt with all, or has set aside what it cannot."""
        for _ in range(LONG):
            self.clock.advance(1)
            self._restart_if_killed()

    def events(self) -> list[tuple[str, dict[str, Any]]]:
        """Return kind and detail of all that the module has told, and what is told of it."""
        rows = self.rows("SELECT kind, detail FROM events ORDER BY seq")
        mine = (f"{self.module.name}.", "module.")
        return [(kind, json.loads(detail)) for kind, detail in rows if kind.startswith(mine)]

    def set_aside(self) -> list[str]:
        """Return why entries were set aside, in the order of the journal."""
        found = result_of(ModuleRepository(self.database).all_set_aside(self.module.name))
        return [each.reason for each in found]

    @property
    def failure(self) -> str | None:
        """Why the module does not run; None if it does."""
        return None if self._runner is None else self._runner.failure

    def close(self) -> None:
        """Stop the module, and close the database."""
        self.stop()
        result_of(self.database.close())

    def _happened(self) -> None:
        """Tell the module that there is more in the journal."""
        self._journal.advance(result_of(self.database.run(last_seq)))
        self._restart_if_killed()

    def _restart_if_killed(self) -> None:
        if self.kills.has_killed():
            self._runner = None
            self.start()

    def _new_runner(self) -> ModuleRunner:
        module, core = self.module, cast("CoreService", self.core)
        settings = OwnSettings(
            module.name,
            core,
            module.settings,
            module.synced_settings,
            module.contact_settings,
        )
        tools = ModuleTools(module.name, settings, KnownPeople(core), self.now, self.services.get)
        kinds = sorted(module.kinds)
        reading = Reading(module, lambda: (kinds, False), self.database.side.read, tools)
        thread = DyingThread(self.clock, InlineWorker, kills=self.kills)
        reader = ModuleReader(
            reading=reading,
            repository=DyingRepository(self.database, self.kills),
            outbox=MemoryOutbox(
                identity=self.identity,
                identity_id=self.identity_id,
                contact=self.contact,
                contact_id=self.contact_id,
                now=self.now,
                ready=self.sent,
            ),
            thread=thread,
            journal=self._journal,
            clock=self.clock,
            now=self.now,
            on_stored=self.passed_on.extend,
        )
        return ModuleRunner(
            reader=reader,
            journal=self._journal,
            clock=self.clock,
            pacing=Pacing(self.clock, 0.0),
        )
