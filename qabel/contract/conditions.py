"""Conditions of a request on the version of a document (RFC 9110, section 13.1)."""


def matches(given: str, etag: str, *, weak: bool = False) -> bool:
    """Return whether an If-Match or If-None-Match header names this version.

    Args:
        given: the header's value: entity tags with commas between them, or ``*``.
        etag: the version, a strong entity tag with its quotation marks.
        weak: whether weak tags count too, as they do in If-None-Match.

    """
    tags = [tag.strip() for tag in given.split(",")]
    if weak:
        tags = [tag.removeprefix("W/") for tag in tags]
    return "*" in tags or etag in tags
