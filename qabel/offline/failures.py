"""The errors of work on data directories: each has one line for the user."""

from qabel.host.start_errors import StartError
from qabel.store.database.errors import StoreError

FAILURES = (StartError, StoreError)
