"""The host of modules: it runs them beside the core, and answers for them."""

from collections.abc import Iterator, Sequence
from typing import Any

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred

from qabel.contract.routes import Routes
from qabel.contract.types import Milliseconds, View
from qabel.core.errors import NotFound
from qabel.core.service import CoreService
from qabel.core.status.troubles import Trouble, TroubleKind
from qabel.deferreds import shielded
from qabel.modules.api import Module, Prepared
from qabel.modules.companions import CompanionKeeper
from qabel.modules.equipment import Equipment
from qabel.modules.loading import FoundModule
from qabel.modules.module_reader import ModuleReader
from qabel.modules.module_thread import ModuleThread
from qabel.modules.pacing import Pacing
from qabel.modules.reactor_time import ReactorTime
from qabel.modules.reading import Reading
from qabel.modules.runner import ModuleRunner, ModuleState
from qabel.modules.telling import of_module
from qabel.modules.tools import ModuleTools
from qabel.settings.module_forms import ModuleForms
from qabel.store.database.connection import Parameters
from qabel.store.modules.progress import ModuleRepository


class ModuleView(View):
    """A module, as clients see it."""

    name: str
    summary: str
    kinds: list[str]
    state: ModuleState
    reason: str | None
    """Why it failed."""
    done: float
    """Which part of the journal it has dealt with, from 0 to 1."""
    set_aside: int
    """How many entries it could not deal with."""
    slow_calls: int
    """How often it held up all requests for more than 10 ms, since the start."""


class SetAsideView(View):
    """An entry that a module could not deal with."""

    id: int
    """Its number in the journal; of a received message, its id."""
    send_id: int | None
    """Of a message that was sent, its id in the outbox."""
    reason: str
    since: Milliseconds


@define(eq=False)
class ModuleHost(Service):
    """Runs modules.

    Args:
        core: the core, which is open.
        found: the modules that are to run.
        reactor: receives the results of their thread, and measures pauses.

    """

    _core: CoreService
    _found: Sequence[FoundModule]
    _reactor: Any
    _thread: ModuleThread = field(init=False)
    _reads: ModuleThread = field(init=False)
    """Reads for clients: they do not wait for what a module prepares."""
    _repository: ModuleRepository = field(init=False)
    _runners: dict[str, ModuleRunner] = field(factory=dict, init=False)
    _equipment: Equipment = field(init=False)
    times: dict[str, ReactorTime] = field(factory=dict, init=False)
    """How long each module holds up the reactor."""
    _companions: dict[str, CompanionKeeper] = field(factory=dict, init=False)

    name = "modules"

    def __attrs_post_init__(self) -> None:
        self._thread, self._reads = ModuleThread(self._reactor), ModuleThread(self._reactor)
        self._repository = ModuleRepository(self._core.database)
        modules = self.modules
        self._equipment = Equipment(self._core, modules, self._runs)
        self._core.owned.kinds = frozenset().union(*(each.kinds for each in modules))
        self._core.local.forms = self._core.synced.forms = self.forms
        for each in modules:
            tools, time = self._equipment.of(each.name), ReactorTime()
            self.times[each.name] = time
            self._companions[each.name] = CompanionKeeper(each, tools, time, self._reactor)
            self._runners[each.name] = self._runner(each, modules)
        self._core.tokens.module_scopes = frozenset(
            scope
            for each in self.routes
            for route in each.all
            for scope in route.scopes
            if ":" in scope
        )

    @property
    def modules(self) -> list[Module]:
        """The modules that could be loaded."""
        return [each.module for each in self._found if each.module is not None]

    @property
    def routes(self) -> list[Routes]:
        """The routes of the modules."""
        return [each.routes for each in self.modules if each.routes is not None]

    def startService(self) -> None:
        """Begin to run the modules."""
        super().startService()
        for companion in self._companions.values():
            companion.start()
        for each in self._runners.values():
            each.start()

    def stopService(self) -> None:
        """Stop them. What they were preparing is prepared again after the next start."""
        super().stopService()
        for each in self._runners.values():
            each.stop()
        for companion in self._companions.values():
            companion.stop()
        self._thread.stop()
        self._reads.stop()

    @property
    def forms(self) -> ModuleForms:
        """The forms of what modules store in the settings."""
        return self._equipment.forms()

    def tools(self, name: str) -> ModuleTools:
        """Return the tools of a module that could be loaded."""
        return self._equipment.of(name)

    def all(self) -> list[ModuleView]:
        """Return all modules that are to run, by name."""
        return [self._view(each) for each in self._found]

    def get(self, name: str) -> ModuleView:
        """Return one module. Raises NotFound."""
        for each in self._found:
            if each.name == name:
                return self._view(each)
        raise NotFound(f"No module {name} runs here.")

    async def set_aside(self, name: str) -> list[SetAsideView]:
        """Return what a module could not deal with. Raises NotFound or StoreError."""
        self.get(name)
        return [
            SetAsideView(
                id=each.place.seq,
                send_id=each.place.part or None,
                reason=each.reason,
                since=each.since,
            )
            for each in await self._repository.all_set_aside(name)
        ]

    def rebuild(self, name: str) -> ModuleView:
        """Have a module make its derived tables anew. Raises NotFound."""
        self.get(name)
        if name in self._runners and self.running:
            self._runners[name].rebuild()
        return self.get(name)

    def rows(self, sql: str, values: Parameters = ()) -> "Deferred[list[tuple[Any, ...]]]":
        """Run a statement that reads, on another thread; fires with its rows.

        Fails with ReadTookTooLong or another StoreError.
        """
        return self._reads.run(lambda: self._core.database.side.read(sql, values))

    async def catch_up(self, name: str) -> None:
        """Wait for a module to deal with what is in the journal now, unless that takes long."""
        if name in self._runners and self.running:
            await self._runners[name].catch_up()

    async def change(self, name: str, made: Prepared) -> None:
        """Change tables of a module, and tell its events, all together or not at all.

        Args:
            name: the module.
            made: statements and events.

        Raises:
            ModuleStoreError: a statement changes a table that is not the module's own.
            StoreError: it could not be stored.

        """
        await shielded(self._change(name, made))

    def troubles(self) -> Iterator[Trouble]:
        """Yield what is wrong with modules."""
        for each in self.all():
            if each.reason is not None:
                yield Trouble(
                    TroubleKind.MODULE_FAILED,
                    f"The module {each.name} does not run: {each.reason}",
                    each.name,
                )
            if each.set_aside:
                yield Trouble(
                    TroubleKind.MODULE_SET_ASIDE,
                    f"The module {each.name} could not deal with "
                    f"{each.set_aside} of the messages and events.",
                    each.name,
                )
        for module in self.modules:
            for wrong in self.tools(module.name).settings.misfits():
                yield Trouble(
                    TroubleKind.MODULE_SETTINGS,
                    f"What the module {module.name} has stored in {wrong}. Its defaults are used.",
                    module.name,
                )

    def _runs(self, name: str) -> bool:
        runner = self._runners[name]
        return bool(self.running) and runner.has_tables and runner.failure is None

    async def _change(self, name: str, made: Prepared) -> None:
        told, now = of_module(name, made.told), self._core.now()
        newest = await self._repository.change(name, made.changes, told, now=now)
        self._core.journal.advance(newest)

    def _runner(self, module: Module, modules: Sequence[Module]) -> ModuleRunner:
        others = frozenset().union(*(each.kinds for each in modules if each is not module))

        def wanted() -> tuple[Sequence[str], bool]:
            refuses = self._core.local.value.inbox.unknown_kinds == "refuse"
            takes_others = module.takes_others and not refuses
            return sorted(others if takes_others else module.kinds), takes_others

        reading = Reading(
            module,
            wanted,
            self._core.database.side.read,
            self._equipment.of(module.name),
        )
        reader = ModuleReader(
            reading=reading,
            repository=self._repository,
            outbox=self._core.outbox,
            thread=self._thread,
            journal=self._core.journal,
            clock=self._reactor,
            now=self._core.now,
            on_stored=self._companions[module.name].take,
        )
        return ModuleRunner(
            reader=reader,
            journal=self._core.journal,
            clock=self._reactor,
            pacing=Pacing(self._reactor),
        )

    def _view(self, found: FoundModule) -> ModuleView:
        runner, module = self._runners.get(found.name), found.module
        return ModuleView(
            name=found.name,
            summary="" if module is None else module.summary,
            kinds=[] if module is None else sorted(module.kinds),
            state=ModuleState.FAILED if runner is None else runner.state,
            reason=found.failure if runner is None else runner.failure,
            done=0.0 if runner is None else runner.done,
            set_aside=0 if runner is None else runner.set_aside,
            slow_calls=self.times[found.name].slow if found.name in self.times else 0,
        )
