"""Places in S3: what options may say, and the URLs of what is there."""

import pytest

from qabel.blockserver.s3_place import S3Place
from qabel.host.start_errors import StartError


def test_a_bucket_of_amazon() -> None:
    """Its server is that of the region."""
    place = S3Place.parse("s3://qabel", None)
    assert place == S3Place("qabel", "", "https://s3.us-east-1.amazonaws.com", "us-east-1")
    assert place.text == "s3://qabel at https://s3.us-east-1.amazonaws.com"
    assert S3Place.parse("s3://qabel", None, "eu-central-1").host == (
        "s3.eu-central-1.amazonaws.com"
    )
    assert S3Place.parse("s3://qabel", None, "cn-north-1").endpoint.endswith(".amazonaws.com.cn")


@pytest.mark.parametrize("url", ["s3://b-1.x/blocks/live", "s3://b-1.x/blocks/live/"])
def test_a_part_of_a_bucket(url: str) -> None:
    """With a slash at the end or without it is the same, and keys begin with it."""
    place = S3Place.parse(url, "https://s3.example.org:9000/")
    assert place.text == "s3://b-1.x/blocks/live at https://s3.example.org:9000"
    assert place.key("ab") == "blocks/live/ab"
    assert [place.name(key) for key in ("blocks/live/ab", "blocks/ab", "ab")] == ["ab", "", ""]
    assert place.host == "s3.example.org:9000"


def test_urls() -> None:
    """What has a meaning in URLs is written with its code."""
    place = S3Place.parse("s3://bucket/p", "https://s3.example.org")
    assert place.url("ab", ()) == "https://s3.example.org/bucket/p/ab"
    assert place.url("", [("uploads", ""), ("prefix", "p/")]) == (
        "https://s3.example.org/bucket?uploads=&prefix=p%2F"
    )
    assert place.url("ab", [("uploadId", "a+b&c=~é")]).endswith("?uploadId=a%2Bb%26c%3D~%C3%A9")


@pytest.mark.parametrize(
    ("given", "endpoint"),
    [
        ("https://S3.Example.ORG", "https://s3.example.org"),
        ("https://s3.example.org:443/", "https://s3.example.org"),
        ("https://192.0.2.1:9000", "https://192.0.2.1:9000"),
        ("https://[2001:db8::1]", "https://[2001:db8::1]"),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
        ("http://127.8.8.8:80", "http://127.8.8.8"),
        ("http://[::1]:9000", "http://[::1]:9000"),
        ("http://localhost:9000", "http://localhost:9000"),
    ],
)
def test_endpoints(given: str, endpoint: str) -> None:
    """One server is written in one way; without encryption, it is on this machine."""
    assert S3Place.parse("s3://bucket", given).endpoint == endpoint


@pytest.mark.parametrize(
    "given",
    [
        "http://s3.example.org",
        "http://192.168.1.1:9000",
        "http://localhost.example.org",
        "http://127.0.0.1.example.org",
        "http://2130706433",
    ],
)
def test_others_could_read_it(given: str) -> None:
    """Without encryption, no other machine is asked."""
    with pytest.raises(StartError, match="--s3-endpoint must begin with https://"):
        S3Place.parse("s3://bucket", given)


@pytest.mark.parametrize(
    "given",
    [
        *("", "s3.example.org", "ftp://s3.example.org", "https://", "https://s3.example.org/path"),
        *("https://s3.example.org?a=secret", "https://s3.example.org#secret", "https://s3:x"),
        *("https://s3.example.org:99999", "https://a b", "https://[::1", "https://a\r\nb"),
        *("https://id:secret@s3.example.org", "https://id:secret@", "http://secret@127.0.0.1"),
    ],
)
def test_what_is_no_endpoint(given: str) -> None:
    """What was given is not repeated: it may have a password."""
    with pytest.raises(StartError, match="--s3-endpoint must") as caught:
        S3Place.parse("s3://bucket", given)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        *("", "bucket", "s3:bucket", "s3://", "s3:///blocks", "s3://b", "https://bucket"),
        *("s3://bucket//a", "s3://bucket/a//b", "s3://bucket/../a", "s3://bucket/a/./b"),
        *("s3://bucket/a b", "s3://bucket/a?b", "s3://bucket/a%2Fb", "s3://bücket", "s3://bu\nck"),
        *("s3://id:secret@bucket", "s3://bucket/ä"),
    ],
)
def test_what_is_no_place(url: str) -> None:
    """Only characters that need no codes can be in it."""
    with pytest.raises(StartError, match="--storage must be s3://BUCKET"):
        S3Place.parse(url, None)


@pytest.mark.parametrize("region", ["", "EU", "eu central", "a/b", "x" * 41])
def test_what_is_no_region(region: str) -> None:
    """It is a part of the server's name."""
    with pytest.raises(StartError, match="--s3-region must be a name such as us-east-1"):
        S3Place.parse("s3://bucket", None, region)
