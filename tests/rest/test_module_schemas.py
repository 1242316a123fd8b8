"""What modules store, in the OpenAPI document."""

import json

from openapi_spec_validator import OpenAPIV31SpecValidator

from qabel.contract.openapi import describe
from qabel.forms.compound import Key, Object
from qabel.forms.plain import Flag
from qabel.rest.app import SUBJECTS
from qabel.rest.module_schemas import add_module_forms
from qabel.settings.module_forms import ModuleForms

FORM = Object({"loud": Key(Flag(), default=True, description="Whether it is loud.")})


def test_forms_in_the_document() -> None:
    """The document says what may be stored for a module, at each place that its forms are for."""
    document = describe(SUBJECTS)
    add_module_forms(document, ModuleForms(local={"notes": FORM}, contacts={"notes": FORM}))
    document = json.loads(json.dumps(document))
    OpenAPIV31SpecValidator(document).validate()
    schemas = document["components"]["schemas"]
    assert schemas["NotesModuleSettings"]["properties"]["loud"]["type"] == "boolean"
    for name, part in (
        ("LocalSettingsInput", "NotesModuleSettings"),
        ("NewContact", "NotesModuleContactSettings"),
        ("SyncedContactInput", "NotesModuleContactSettings"),
        ("UpdateContactBody", "NotesModuleContactSettings"),
    ):
        stored = schemas[name]["properties"]["module_data"]
        assert stored["properties"]["notes"] == {"$ref": f"#/components/schemas/{part}"}
    assert "properties" not in schemas["SyncedSettingsInput"]["properties"]["module_data"]
