"""The check of ``qabel doctor`` whether the database of a stopped daemon can be opened."""

from collections.abc import Iterator
from pathlib import Path

from qabel.cli.checks import Check, CheckState
from qabel.cli.paths import DATABASE, SEALED_KEY


def check_database(directory: Path, key: str | None) -> Iterator[Check]:
    """Check that the key opens the database, and that this is whole; nothing is changed.

    Args:
        directory: the data directory.
        key: where the key is, as the user has chosen it; None for the file in the directory.

    """
    try:
        if not (directory / DATABASE).exists():
            return
    except OSError as error:
        detail = f"Cannot access {directory / DATABASE}: {error.strerror}"
        yield Check("database", CheckState.FAILED, detail)
        return
    # The other commands need no database, and start faster without it.
    from qabel.keys.trial import TrialResult, try_key  # noqa: PLC0415

    trial = try_key(directory, key)
    match trial.result:
        case TrialResult.OPENS:
            detail = f"The key opens {directory / DATABASE}, and all of it can be read"
            yield Check("database", CheckState.OK, detail)
        case TrialResult.KEY:
            hint = "Restore the key from your copy, or say where it is: qabel doctor --key KEY"
            yield Check("key", CheckState.FAILED, trial.why, hint)
        case TrialResult.DATABASE:
            hint = (
                "Restore a backup (qabel restore), or copy what can be read: "
                f"qabel salvage --data-dir {directory} --to NEW"
            )
            yield Check("database", CheckState.FAILED, trial.why, hint)
        case TrialResult.NOT_TRIED:
            chosen = "passphrase-fd:0" if (directory / SEALED_KEY).exists() else "KEY"
            hint = f"To check it, stop the daemon, and run: qabel doctor --key {chosen}"
            yield Check("database", CheckState.WARNING, f"Not checked: {trial.why}", hint)
