"""The forms of what modules store in the settings, in the OpenAPI document."""

from collections.abc import Mapping
from typing import Any

from qabel.contract.components import Components
from qabel.forms.form import Form
from qabel.settings.module_forms import ModuleForms

_LOCAL = ("LocalSettingsInput",)
_SYNCED = ("SyncedSettingsInput",)
_CONTACTS = ("NewContact", "SyncedContactInput", "UpdateContactBody")


def add_module_forms(document: dict[str, Any], forms: ModuleForms) -> None:
    """Describe in an OpenAPI document what clients may store for modules.

    What is returned is not described: an earlier version of a module may have stored it.
    """
    components, schemas = Components(), document["components"]["schemas"]
    for places, given, what in (
        (_LOCAL, forms.local, "Settings"),
        (_SYNCED, forms.synced, "SyncedSettings"),
        (_CONTACTS, forms.contacts, "ContactSettings"),
    ):
        properties = _properties(components, given, what)
        for place in places if properties else ():
            schemas[place]["properties"]["module_data"]["properties"] = properties
    schemas |= components.parts
    document["components"]["schemas"] = dict(sorted(schemas.items()))


def _properties(
    components: Components, forms: Mapping[str, Form[Any]], what: str
) -> dict[str, Any]:
    return {
        name: components.lift({**form.schema(), "title": f"{name.title()}Module{what}"})
        for name, form in sorted(forms.items())
    }
