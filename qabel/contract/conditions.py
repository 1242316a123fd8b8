"""Conditional requests: those that depend on the version of a document (RFC 9110, section 13)."""


def matches(given: str, etag: str, *, weak: bool = False) -> bool:
    """Return whether an If-Match or If-None-Match header matches a version.

    Args:
        given: the value of the header: entity tags separated by commas, or ``*``.
        etag: the version: a strong entity tag, with its quotation marks.
        weak: whether weak tags match, too, as in If-None-Match.

    """
    tags = [tag.strip() for tag in given.split(",")]
    if weak:
        tags = [tag.removeprefix("W/") for tag in tags]
    return "*" in tags or etag in tags
