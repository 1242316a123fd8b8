"""The digest by which a repeated request to send is recognized."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from qabel.core.people.references import Reference
from qabel.core.sending.compose import Draft
from qabel.jsontext import encode as encode_json


def request_digest(
    recipients: Sequence[Reference], sender: Reference, draft: Draft, introduce: bool | None
) -> bytes:
    """Return a digest of what a client passed.

    The message that is made of it differs each time, in its time stamp at least. Without a wish to
    introduce the sender the digest is that of earlier versions, whose keys may still be repeated.
    """
    wish = [] if introduce is None else [introduce]
    return digest([recipients, sender, draft.given, *wish])


def digest(request: Any) -> bytes:
    """Return a digest of a request: of what JSON can represent."""
    return blake2b(encode_json(request)).digest()
