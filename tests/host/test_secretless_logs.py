"""Logs: where an unexpected exception came from is written down, what it says is not."""

import io
import subprocess
import sys
from typing import Any

import pytest
from twisted.logger import Logger, LogPublisher, STDLibLogObserver, textFileLogObserver
from twisted.python.failure import Failure

from qabel.host.secretless_logs import SecretlessObserver, without_secrets
from qabel.host.start_errors import StartError


def failure_of(error: BaseException) -> Failure:
    """Return the failure of an exception that was raised here."""
    try:
        raise error
    except BaseException:  # noqa: BLE001 - whatever was given
        return Failure()


def written(failure: Failure) -> str:
    """Write down what is logged of a failure."""
    file = io.StringIO()
    Logger(observer=LogPublisher(SecretlessObserver(textFileLogObserver(file)))).failure(
        "it failed: {what}", failure, what="this"
    )
    return file.getvalue()


@pytest.mark.parametrize(
    "error", [ValueError("MARKER"), KeyError("MARKER"), Exception(b"MARKER"), ZeroDivisionError()]
)
def test_texts_of_exceptions_are_withheld(error: Exception) -> None:
    """Type and lines are there, the text is not."""
    shown = written(failure_of(error))
    assert "MARKER" not in shown
    assert type(error).__name__ in shown
    assert "it failed: this" in shown
    assert "in failure_of" in shown


def test_what_is_known_to_be_harmless_is_told() -> None:
    """Errors of the system say what to do about them."""
    assert "No such file" in written(failure_of(FileNotFoundError(2, "No such file", "/x")))
    assert "port is taken" in written(failure_of(StartError("the port is taken")))


def test_what_a_daemon_knows_to_be_harmless_is_told() -> None:
    """A program can name kinds of exceptions of its own, whose texts are fit for logs."""
    event: dict[str, Any] = {"log_failure": failure_of(KeyError("harmless"))}
    assert without_secrets(event, (KeyError,)) is event
    assert without_secrets(event, (ValueError,)) is not event


def test_the_event_of_others_is_not_changed() -> None:
    """Only what is written differs: who handles the failure gets all of it."""
    failure = failure_of(ValueError("MARKER"))
    event: dict[str, Any] = {"log_failure": failure, "log_format": "x"}
    assert without_secrets(event)["log_failure"].type is ValueError
    assert event["log_failure"] is failure
    assert str(failure.value) == "MARKER"
    plain: dict[str, Any] = {"log_format": "x"}
    assert without_secrets(plain) is plain


def test_the_logging_of_applications(caplog: pytest.LogCaptureFixture) -> None:
    """Neither the text nor the exception itself reaches the logging of an embedding program."""
    observer = SecretlessObserver(STDLibLogObserver("embedding"))
    Logger(observer=LogPublisher(observer)).failure("bad", failure_of(ValueError("MARKER")))
    assert "bad" in caplog.text
    assert "MARKER" not in caplog.text


PROCESS = """
import gc, sys
from twisted.internet.defer import fail
from twisted.logger import Logger, globalLogBeginner, textFileLogObserver
from twisted.python import log
from qabel.host.secretless_logs import withhold_texts
withhold_texts(); withhold_texts()
globalLogBeginner.beginLoggingTo([textFileLogObserver(sys.__stdout__)])
try:
    {}["MARKER"]
except KeyError:
    Logger().failure("new")
    log.err(None, "old")
    log.err()
fail(ValueError("MARKER"))
gc.collect()
"""


def test_all_logs_of_a_process() -> None:
    """New and old log calls, and Deferreds that nobody looks after, withhold the text."""
    done = subprocess.run(
        [sys.executable, "-c", PROCESS], capture_output=True, text=True, timeout=30, check=True
    )
    assert "MARKER" not in done.stdout.replace('{}["MARKER"]', "") + done.stderr
    assert done.stdout.count("KeyError: (text withheld") == 3
    assert "ValueError: (text withheld" in done.stdout
    for words in ("] new", "] old", "Unhandled Error", "Unhandled error in Deferred"):
        assert words in done.stdout
