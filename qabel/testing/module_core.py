"""What modules see of the core in tests: settings and people, checked as in the daemon."""

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from attrs import define, field

from qabel.crypto import PrivateKey, PublicKey
from qabel.modules.api import Module
from qabel.settings.local import LOCAL, LocalSettings
from qabel.settings.module_forms import ModuleForms, checking_modules
from qabel.settings.synced import SYNCED, SyncedSettings

D = TypeVar("D")


@define(eq=False)
class Held(Generic[D]):
    """A settings document in memory."""

    value: D


@define(eq=False)
class HeldKeys:
    """The public keys whose messages are passed over."""

    keys: frozenset[bytes] = frozenset()


@define(eq=False)
class MemoryCore:
    """Settings and people for one module.

    Args:
        module: the module, whose forms check what it stores.
        now: returns seconds since the epoch.

    """

    _module: Module
    now: Callable[[], float]
    local: Held[LocalSettings] = field(factory=lambda: Held(LOCAL.default()), init=False)
    synced: Held[SyncedSettings] = field(factory=lambda: Held(SYNCED.default()), init=False)
    blocked: HeldKeys = field(factory=HeldKeys, init=False)
    _forms: ModuleForms = field(init=False)

    def __attrs_post_init__(self) -> None:
        module = self._module
        given = {
            "local": module.settings,
            "synced": module.synced_settings,
            "contacts": module.contact_settings,
        }
        self._forms = ModuleForms(
            **{place: {module.name: form} for place, form in given.items() if form is not None}
        )

    def add_identity(self, alias: str) -> tuple[int, bytes]:
        """Add an identity; return its id and public key."""
        key = PrivateKey.generate()
        item = {"alias": alias, "keys": {"private_key": key.hex}, "drops": []}
        return self._add("identities", item), key.public_key.raw

    def add_contact(
        self, identity: bytes, alias: str, key: bytes | None = None
    ) -> tuple[int, bytes]:
        """Add a contact of an identity; return its id and public key."""
        public = PrivateKey.generate().public_key if key is None else PublicKey(key)
        item = {
            "alias": alias,
            "keys": {"public_key": public.hex},
            "my_identity": identity.hex(),
            "drop_urls": [],
        }
        return self._add("contacts", item), public.raw

    def store(self, where: str, values: Mapping[str, Any]) -> None:
        """Store an object of the module.

        Args:
            where: ``local``, ``synced``, or the id of a contact.
            values: the object. Raises InvalidInput if the module's form refuses it.

        """
        name, now = self._module.name, int(self.now())
        with checking_modules(self._forms):
            if where == "local":
                self.local.value = LOCAL.set(
                    self.local.value, f"module_data.{name}", dict(values), now=now
                )
                return
            key = "module_data" if where == "synced" else f"contacts.{where}.module_data"
            self.synced.value = SYNCED.set(
                self.synced.value, f"{key}.{name}", dict(values), now=now
            )

    def _add(self, kind: str, item: Mapping[str, object]) -> int:
        self.synced.value, made = SYNCED.with_item(
            self.synced.value, kind, item, now=int(self.now())
        )
        return int(made.id)
