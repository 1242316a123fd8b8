"""The digest of a request: the same for the same values, and another for any other."""

from hashlib import blake2b

from qabel.core.sending.compose import Draft
from qabel.core.sending.request_digest import request_digest
from qabel.jsontext import encode

HELLO = Draft("chat", {"msg": "Hello"})


def test_each_value_counts() -> None:
    """Another recipient, sender, message or wish is another request."""
    digests = {
        request_digest([1], 2, HELLO, None),
        request_digest([1, 3], 2, HELLO, None),
        request_digest([1], 3, HELLO, None),
        request_digest([1], 2, Draft("chat", {"msg": "Bye"}), None),
        request_digest([1], 2, HELLO, True),
        request_digest([1], 2, HELLO, False),
    }
    assert len(digests) == 6
    assert request_digest([1], 2, Draft("chat", {"msg": "Hello"}), None) in digests


def test_keys_of_before_stay_good() -> None:
    """Without a wish the digest is that of the versions that knew no introductions."""
    earlier = blake2b(encode([[1], 2, HELLO.given])).digest()
    assert request_digest([1], 2, HELLO, None) == earlier
