"""The forms of what modules store in the settings documents.

Which modules there are differs from daemon to daemon. So the forms are no part of the types of
documents: whoever changes a document says which forms there are.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import attrs
import msgspec

from qabel.forms.errors import Errors
from qabel.forms.form import Form
from qabel.settings.module_data import ModuleData

FormsByName = Mapping[str, Form[Any]]
"""Forms by the names of the modules."""


@attrs.frozen
class ModuleForms:
    """The forms for the objects of modules, by where these stand."""

    local: FormsByName = attrs.field(factory=dict)
    """In ``module_data`` of the local settings."""
    synced: FormsByName = attrs.field(factory=dict)
    """In ``module_data`` of the synced settings."""
    contacts: FormsByName = attrs.field(factory=dict)
    """In ``module_data`` of each contact."""


_FORMS = ContextVar("_FORMS", default=ModuleForms())  # noqa: B039 - nothing changes it


@contextmanager
def checking_modules(forms: ModuleForms) -> Iterator[None]:
    """Return a context within which changes of documents are checked with these forms."""
    token = _FORMS.set(forms)
    try:
        yield
    finally:
        _FORMS.reset(token)


def module_forms() -> ModuleForms:
    """Return the forms with which changes are checked now."""
    return _FORMS.get()


def check_changed(forms: FormsByName, old: ModuleData, new: ModuleData, errors: Errors) -> None:
    """Add the errors in the objects of modules that have changed.

    What an earlier version of a module stored may stay as it is, and so may what is there of
    modules that do not run.
    """
    if not forms or new.text == old.text:
        return
    before, after = old.objects, new.objects
    for name, form in forms.items():
        if name in after and before.get(name) != after[name]:
            errors.catch(name, form.read, msgspec.json.decode(after[name]), None)
