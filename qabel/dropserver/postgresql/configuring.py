"""Changing what all front ends of a database have in common, without running one."""

from qabel.dropserver.message_values import Retention
from qabel.dropserver.postgresql.configuration import change, read_retention
from qabel.dropserver.postgresql.link import used_once
from qabel.dropserver.postgresql.schema import check_version
from qabel.dropserver.wanted import Wanted
from qabel.host.start_errors import StartError


def configure(url: str, wanted: Wanted) -> Retention:
    """Change what is given; return what is set now.

    Raises StartError if the database cannot be used, or no front end has used it.
    """
    found = None
    with used_once(url) as connection:
        if check_version(connection):
            change(connection, wanted)
            found = read_retention(connection)
    if found is None:
        raise StartError("no drop server has used the database yet: start one with --quota")
    return found
