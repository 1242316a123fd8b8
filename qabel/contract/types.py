"""The types of which responses are made; their schemas are in the API document."""

from typing import Annotated

import msgspec
from msgspec import Meta

from qabel.forms.plain import ANY_OBJECT

Id = Annotated[int, Meta(ge=0)]
Milliseconds = Annotated[
    int, Meta(description="Milliseconds since the epoch.", extra_json_schema={"format": "int64"})
]
Seconds = Annotated[
    int, Meta(description="Seconds since the epoch.", extra_json_schema={"format": "int64"})
]
Duration = Annotated[float, Meta(description="Seconds.")]
KeyHex = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
CursorText = Annotated[str, Meta(description="A cursor in the event log.")]
Url = Annotated[str, Meta(extra_json_schema={"format": "uri"})]
JSONObject = Annotated[
    msgspec.Raw,
    Meta(title="JSONObject", extra_json_schema=ANY_OBJECT),
]
"""A JSON object, encoded."""


class View(msgspec.Struct, forbid_unknown_fields=True):
    """The base of objects in responses, which have no other members than those declared.

    Its representation, as in logs and tracebacks, is its type alone: the members may be secret.
    """

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"
