"""Trying a key: the outcome says what is wrong, and the lock is free again."""

from pathlib import Path

from qabel.deferreds import result_of
from qabel.host.data_directory import DirectoryLock
from qabel.host.job_thread import InlineWorker
from qabel.keys.key_file import KeyFile
from qabel.keys.trial import TrialResult, try_key
from qabel.store.database.database import Database


def test_the_lock_is_free_after_a_trial(tmp_path: Path) -> None:
    """A daemon can start right after a trial, and a trial says what happened."""
    tmp_path.chmod(0o700)
    with DirectoryLock(tmp_path):
        database = Database(
            tmp_path / "qabel.db", KeyFile(tmp_path / "database-key"), worker=InlineWorker
        )
        result_of(database.open())
        assert try_key(tmp_path).result is TrialResult.NOT_TRIED
        result_of(database.close())
    assert try_key(tmp_path).result is TrialResult.OPENS
    with DirectoryLock(tmp_path):
        assert "using" in try_key(tmp_path).why


def test_an_invalid_choice(tmp_path: Path) -> None:
    """A choice that is none is an outcome too."""
    (tmp_path / "qabel.db").write_bytes(bytes(4096))
    trial = try_key(tmp_path, "nonsense")
    assert trial.result is TrialResult.KEY
    assert "must be one of" in trial.why


def test_a_sealed_key(tmp_path: Path) -> None:
    """Nobody is asked for a passphrase without a choice."""
    (tmp_path / "qabel.db").write_bytes(bytes(4096))
    (tmp_path / "database-key.sealed").touch()
    trial = try_key(tmp_path)
    assert trial.result is TrialResult.NOT_TRIED
    assert "passphrase" in trial.why
