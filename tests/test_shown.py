"""The repr of value classes, as in a log or a traceback: it shows no field that may be secret."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator

import attrs
import msgspec

import qabel

SECRET = {
    "alias", "answer", "auth", "body", "box", "current", "data", "digest", "drop_id", "drop_url",
    "drop_urls", "earlier", "email", "following", "keys", "message", "meta_data", "passphrase",
    "phone", "private_key", "raw", "rest", "revoke_token", "salt", "sealed", "secret", "token",
    "url", "urls", "user", "value",
}  # fmt: skip
"""Names of fields that are secret if they hold text or bytes."""

HARMLESS = {
    ("DropServer", "url"),  # without the drop id
    ("StorageServer", "url"),
    ("DaemonAddress", "url"),
    ("Found", "digest"),  # of what everybody can fetch
    ("Object", "keys"),  # their names and forms
    ("ObjectOrOther", "keys"),
    ("ValueOf", "keys"),
    ("TypedWord", "raw"),  # what the user types
    ("DocumentType", "keys"),
    ("ItemDocumentType", "keys"),
    ("DeliveryAttempts", "_box"),  # what makes it
    ("Poster", "_box"),
    ("HeldKeys", "keys"),  # of nobody: for tests of modules
}
"""Fields with such a name that are not secret."""


def classes() -> Iterator[type]:
    """Yield all classes of the package."""
    for module in pkgutil.walk_packages(qabel.__path__, "qabel."):
        if module.name.endswith("__main__"):
            continue
        for each in vars(importlib.import_module(module.name)).values():
            if isinstance(each, type) and each.__module__ == module.name:
                yield each


def shown_texts(kind: type) -> Iterator[str]:
    """Yield the fields with text or bytes that the generated repr of a class shows."""
    if not attrs.has(kind) and not issubclass(kind, msgspec.Struct):
        return
    if not _is_generated(kind):
        return
    hidden = {each.name for each in attrs.fields(kind) if not each.repr} if attrs.has(kind) else ()
    for owner in kind.__mro__:
        for name, form in inspect.get_annotations(owner).items():
            words = re.sub(r"\(?Literal\[.*?\]", "", form if isinstance(form, str) else repr(form))
            is_field = name not in hidden and "ClassVar[" not in words
            if is_field and re.search(r"\b(str|bytes)\b", words):
                yield name


def _is_generated(kind: type) -> bool:
    if kind.__repr__ is object.__repr__:
        return False
    code = getattr(kind.__repr__, "__code__", None)
    return code is None or code.co_filename.startswith("<attrs generated")


def test_no_secret_is_shown() -> None:
    """No generated repr shows a field with such a name."""
    found = sorted(
        f"{kind.__module__}.{kind.__name__}.{name}"
        for kind in classes()
        for name in shown_texts(kind)
        if name.lstrip("_") in SECRET and (kind.__name__, name) not in HARMLESS
    )
    assert found == []


def test_the_test_finds_classes() -> None:
    """Many classes and fields are checked."""
    assert len({kind for kind in classes() if attrs.has(kind)}) > 40
    assert sum(bool(list(shown_texts(kind))) for kind in classes()) > 20
