"""The form of group tokens, as ``auth`` of drop servers."""

import attrs

from qabel.drop.group_token import LONGEST_TOKEN, is_group_token
from qabel.forms.errors import invalid
from qabel.forms.form import Form, Schema
from qabel.forms.plain import Text
from qabel.settings.stored import is_stored

_TEXT = Text()


@attrs.frozen
class GroupTokenForm(Form[str]):
    """The token of the closed group that a drop server is for; "" if it is for everybody.

    Older versions stored any text, and sent it nowhere. That is read, but it is no token.
    """

    def read(self, value: object) -> str:
        """Check a token. What is wrong is said without it."""
        text = _TEXT.read(value)
        if not text or is_group_token(text) or is_stored():
            return text
        if len(text) > LONGEST_TOKEN:
            raise invalid(f"must have at most {LONGEST_TOKEN} characters")
        raise invalid(
            "must be the token alone: printable ASCII characters without spaces, as in what "
            "follows 'Client' in an Authorization header"
        )

    def write(self, value: str) -> str:
        """Return the token unchanged."""
        return value

    def schema(self) -> Schema:
        """Return the schema of such tokens."""
        return {"type": "string", "maxLength": LONGEST_TOKEN, "pattern": "^[!-~]*$"}
