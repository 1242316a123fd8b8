"""The settings of a module: typed, and always valid."""

from typing import Any

import msgspec
from attrs import define, field, frozen

from qabel.core.service import CoreService
from qabel.forms.errors import InvalidInput
from qabel.forms.form import Form
from qabel.settings.module_data import ModuleData
from qabel.settings.stored import reading_stored


@define(eq=False)
class _Typed:
    """What a module has stored in one place, as its form reads it."""

    _name: str
    _form: Form[Any]
    _last: tuple[ModuleData, Any, str | None] | None = field(default=None, init=False)

    def read(self, data: ModuleData) -> tuple[Any, str | None]:
        """Return the value, and what is wrong; the defaults if the form does not read it."""
        last = self._last
        if last is None or last[0] is not data:
            last = self._last = data, *self._read(data)
        return last[1:]

    def _read(self, data: ModuleData) -> tuple[Any, str | None]:
        raw = data.objects.get(self._name)
        stored: object = {} if raw is None else msgspec.json.decode(raw)
        try:
            with reading_stored():
                return self._form.read(stored), None
        except InvalidInput as error:
            return self._form.read({}), str(error)


@frozen(eq=False)
class OwnSettings:
    """What a module has stored in the settings. May be read on any thread.

    What an earlier version has stored, and does not fit, stays where it is; the defaults are used.

    Args:
        name: the module.
        core: has the documents.
        local: the form of what it stores in the local settings; None for nothing.
        synced: the same for the synced settings.
        contact: the same for each contact.

    """

    _name: str
    _core: CoreService
    _local: Form[Any] | None
    _synced: Form[Any] | None
    _contact: Form[Any] | None
    _typed: dict[str, _Typed] = field(factory=dict, init=False)

    @property
    def local(self) -> Any:
        """What is in the local settings, as the module's form reads it; None without a form."""
        return self._read("local", self._local, self._core.local.value.modules)[0]

    @property
    def synced(self) -> Any:
        """What is in the synced settings; None without a form."""
        return self._read("synced", self._synced, self._core.synced.value.modules)[0]

    def of_contact(self, contact_id: int) -> Any:
        """Return what a contact has; the defaults if there is no such contact; None if no form."""
        contact = self._core.synced.value.contact(contact_id)
        data = ModuleData() if contact is None else contact.modules
        return None if self._contact is None else _Typed(self._name, self._contact).read(data)[0]

    def misfits(self) -> list[str]:
        """Return what is stored and does not fit, so that the defaults are used instead."""
        value = self._core.synced.value
        found = [
            (
                "the local settings",
                self._read("local", self._local, self._core.local.value.modules),
            ),
            ("the synced settings", self._read("synced", self._synced, value.modules)),
        ]
        if self._contact is not None:
            found += [
                (f"contact {each.id}", _Typed(self._name, self._contact).read(each.modules))
                for each in value.living_contacts
                if each.modules.text != ModuleData().text
            ]
        return [f"{where}: {wrong}" for where, (_, wrong) in found if wrong is not None]

    def _read(self, where: str, form: Form[Any] | None, data: ModuleData) -> tuple[Any, str | None]:
        if form is None:
            return None, None
        typed = self._typed.setdefault(where, _Typed(self._name, form))
        return typed.read(data)
