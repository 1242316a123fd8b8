"""The names of the files in a data directory, each in one place."""

DATABASE = "qabel.db"

KEY = "database-key"
"""The key of the database, as hex digits."""

SEALED_KEY = "database-key.sealed"
"""The key of the database, sealed under a passphrase."""

TOKEN = "api-token"  # noqa: S105 - the name of a file
"""The main token of the REST API."""

BACKUPS = "backups"
"""A directory of copies of the database."""
