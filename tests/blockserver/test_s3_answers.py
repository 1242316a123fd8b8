"""Answers in XML: lists and reasons, and what a bad server could send."""

from xml.etree import ElementTree as ET

import pytest

from qabel.blockserver.object_store import StorageFailed
from qabel.blockserver.s3_answers import (
    LARGEST,
    completion,
    failure,
    parse_fields,
    parse_page,
    reason_of,
)

LIST = """\
<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult{}><Name>bucket</Name><IsTruncated>true</IsTruncated>
<Contents><Key>a</Key><Size>1</Size></Contents><Contents><Key>b&amp;c</Key></Contents>
<NextContinuationToken>t</NextContinuationToken></ListBucketResult>"""

BOMB = (
    '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">'
    + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + "]><Error><Code>&i;</Code></Error>"
)


@pytest.mark.parametrize("namespace", ["", ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'])
def test_a_page_of_a_list(namespace: str) -> None:
    """With the namespace, or without as some servers write it, and after spaces."""
    page = parse_page(b"\n  " + LIST.format(namespace).encode(), "Contents")
    assert [each["Key"] for each in page.items] == ["a", "b&c"]
    assert (page.fields["IsTruncated"], page.fields["NextContinuationToken"]) == ("true", "t")


def test_an_error_in_place_of_an_answer() -> None:
    """It can come with the status of a success."""
    body = b"<Error><Code>InternalError</Code></Error>"
    for parse in (parse_fields, lambda body: parse_page(body, "Contents")):
        with pytest.raises(StorageFailed, match=r"answered 200 \(InternalError\)"):
            parse(body)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "http://127.0.0.1/">]><a>&x;</a>',
    ],
)
def test_documents_with_definitions_are_refused(text: str, encoding: str) -> None:
    """They could refer to files, or grow without end; in whatever encoding they are."""
    with pytest.raises(StorageFailed, match=r"is not accepted|is not XML"):
        parse_fields(text.encode(encoding))
    assert reason_of(text.encode(encoding)) == ""


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"<a>",
        b"<a>\x00</a>",
        b"<a>\xff</a>",
        b"<a>&b;</a>",
        b"<html><br></html>",
        b"</a>",
    ],
)
def test_what_is_not_xml(body: bytes) -> None:
    """It is a failure, and has no reason."""
    with pytest.raises(StorageFailed, match="is not XML"):
        parse_fields(body)
    assert reason_of(body) == ""


def test_documents_that_are_large() -> None:
    """However deep they are, they are read; not those that are too long."""
    depth = LARGEST // 7 - 10
    assert parse_fields(b"<r>" + b"<a>" * depth + b"</a>" * depth + b"</r>") == {"a": ""}
    with pytest.raises(StorageFailed, match="is not accepted"):
        parse_fields(b"<r>" + b"a" * LARGEST + b"</r>")


def test_reasons() -> None:
    """Only those that are known are repeated."""

    def said(code: str) -> str:
        return str(failure(403, f"<Error><Code>{code}</Code></Error>".encode()))

    assert said("AccessDenied") == "the S3 server answered 403 (AccessDenied)"
    for other in ("AKIDSECRET", "AccessDenied AKID", "", "<x>AccessDenied</x>"):
        assert said(other) == "the S3 server answered 403"
    assert str(failure(502, b"secret")) == "the S3 server answered 502"


@pytest.mark.parametrize(
    ("status", "code", "is_full"),
    [(403, "QuotaExceeded", True), (507, "", True), (500, "InternalError", False)],
)
def test_a_storage_that_is_full(status: int, code: str, is_full: bool) -> None:
    """Then there is no use in trying again soon."""
    body = f"<Error><Code>{code}</Code></Error>".encode()
    assert failure(status, body).is_full is is_full


def test_completing_an_upload() -> None:
    """The tags are given back as they came, in their order."""
    tags = ['"one"', "<two>&", ""]
    root = ET.fromstring(completion(tags))  # noqa: S314 - our own
    assert root.tag == "CompleteMultipartUpload"
    parts = [(each.findtext("PartNumber"), each.findtext("ETag")) for each in root]
    assert parts == [("1", '"one"'), ("2", "<two>&"), ("3", "")]
