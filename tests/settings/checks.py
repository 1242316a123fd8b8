"""Checks of what is wrong with settings."""

from collections.abc import Callable

import pytest

from qabel.forms.errors import FieldError, InvalidInput


def errors_of(work: Callable[[], object]) -> list[FieldError]:
    """Return the errors of something invalid; no other exception shows what was given."""
    with pytest.raises(InvalidInput) as caught:
        work()
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return list(caught.value.errors)


def keys_of(work: Callable[[], object]) -> list[str]:
    """Return the keys of the errors of something invalid."""
    return [error.key for error in errors_of(work)]
