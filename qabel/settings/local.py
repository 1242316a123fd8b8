"""The local settings: those of this device (Qabel-Client-Configuration, "Local settings")."""

from typing import Any

import attrs

from qabel.forms.compound import Key, OrNull
from qabel.forms.plain import Number, Text
from qabel.settings.document import DocumentType
from qabel.settings.module_data import ModuleData, ModuleDataForm

LEAST_POLL_INTERVAL = 0.05
LONGEST_POLL_INTERVAL = 365 * 24 * 60 * 60
"""Seconds: a year, which every timer can represent."""

DEFAULT_POLL_INTERVAL = 5
_INTERVAL = Number(LEAST_POLL_INTERVAL, LONGEST_POLL_INTERVAL)


@attrs.frozen(kw_only=True)
class LocalSettings:
    """The settings of this device.

    ``poll_interval`` is the time between two polls of the drop servers in seconds.
    ``drop_last_update`` is when the newest message arrived, as its drop server states it.
    """

    poll_interval: float = DEFAULT_POLL_INTERVAL
    drop_last_update: str | None = None
    modules: ModuleData = attrs.field(factory=ModuleData)

    @property
    def module_data(self) -> dict[str, Any]:
        """A copy of the objects of all modules, by name."""
        return self.modules.value


LOCAL: DocumentType[LocalSettings] = DocumentType(
    LocalSettings,
    {
        "poll_interval": Key(_INTERVAL, DEFAULT_POLL_INTERVAL),
        "drop_last_update": Key(OrNull(Text()), None),
        "module_data": Key(ModuleDataForm(), ModuleData(), attribute="modules"),
    },
)
