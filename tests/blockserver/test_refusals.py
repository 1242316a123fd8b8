"""The responses to requests that fail, and what the log says of them."""

from typing import Any

import pytest
from twisted.logger import LogLevel, capturedLogs

from qabel.blockserver.block_values import BlockRefused
from qabel.blockserver.index_thread import IndexUnavailable
from qabel.blockserver.object_store import ObjectGone, StorageFailed
from qabel.blockserver.refusals import BlockRefusal, refusal_of
from qabel.blockserver.upload import UploadAborted

UNAVAILABLE = BlockRefusal(503, "Unavailable", (("Retry-After", "10"),))


@pytest.mark.parametrize(
    ("error", "refusal"),
    [
        (BlockRefused(403, "User not found"), BlockRefusal(403, "User not found")),
        (BlockRefused(412, "no", '"1"'), BlockRefusal(412, "no", (("ETag", '"1"'),))),
        (ObjectGone(), BlockRefusal(404, "File not found")),
        (IndexUnavailable(), UNAVAILABLE),
        (UploadAborted(), UNAVAILABLE),
    ],
)
def test_what_is_expected(error: Exception, refusal: BlockRefusal) -> None:
    """It is not logged: it is the client's matter, or was logged before."""
    with capturedLogs() as events:
        assert refusal_of(error) == refusal
    assert list(events) == []


def test_a_full_disk() -> None:
    """It is a warning, as somebody must do something, and clients come back after a while."""
    with capturedLogs() as events:
        found = refusal_of(StorageFailed("No space left on device", is_full=True))
    assert found == BlockRefusal(507, "Disk full", (("Retry-After", "900"),))
    (event,) = events
    assert (event["log_level"], event["error"]) == (LogLevel.warn, "No space left on device")


def test_a_storage_that_fails(logged_failures: Any) -> None:
    """Why it does is for the log, not for the client."""
    assert refusal_of(StorageFailed("Input/output error")) == UNAVAILABLE
    (event,) = logged_failures.flush()
    assert (event["log_level"], event["error"]) == (LogLevel.error, "Input/output error")


def test_a_defect(logged_failures: Any) -> None:
    """Whatever is not expected is logged with its traceback; clients may try again."""
    error = ZeroDivisionError("why")
    assert refusal_of(error) == UNAVAILABLE
    (event,) = logged_failures.flush()
    assert event["log_failure"].value is error


@pytest.mark.parametrize("error", [BlockRefused(402, "Quota reached"), ObjectGone()])
def test_texts_can_be_in_a_status_line(error: Exception) -> None:
    """They have no other characters than those that may be there."""
    found = refusal_of(error)
    assert found.text.isascii()
    assert found.text.isprintable()
