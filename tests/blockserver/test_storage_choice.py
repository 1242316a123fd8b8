"""Choosing a storage: by options that make sense, and always the one of the index."""

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet import reactor

from qabel.blockserver import check_command
from qabel.blockserver.folder_objects import FolderObjects
from qabel.blockserver.object_store import ObjectGone
from qabel.blockserver.s3_objects import S3Objects
from qabel.blockserver.s3_place import S3Place
from qabel.blockserver.s3_upload import PART
from qabel.blockserver.service import BlockLimits, BlockServerService
from qabel.blockserver.storage_choice import ChosenStorage, FolderStorage, S3Storage
from qabel.blockserver.tap import Options
from qabel.host.endpoints import parse_endpoint
from qabel.host.http_server.sources import Sources
from qabel.host.listening import Listening
from qabel.host.start_errors import StartError
from tests.blockserver.conftest import ANNA, BlockSpeaker
from tests.blockserver.s3_servers import (
    CREDENTIALS,
    KEY_ID,
    SECRET,
    S3Server,
    need_botocore,
    rclone_server,
)

QUOTA = 100_000_000


@pytest.fixture(autouse=True)
def _own_hook(monkeypatch: pytest.MonkeyPatch) -> None:
    """Protect the interpreter's exception hook, and have an access key in the environment."""
    need_botocore()
    monkeypatch.setattr("sys.excepthook", sys.excepthook)
    monkeypatch.delenv("QABEL_BLOCK_DATA_DIR", raising=False)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """Return a real server."""
    with rclone_server(tmp_path_factory.mktemp("s3")) as made:
        yield made


def parse(*arguments: str) -> ChosenStorage:
    """Return the storage that a command line means."""
    options = Options()
    options.parseOptions(list(arguments))
    return options.storage


@asynccontextmanager
async def blocks(data: Path, chosen: ChosenStorage) -> AsyncIterator[BlockSpeaker]:
    """Run a block server with a storage."""
    service = BlockServerService(data, reactor, BlockLimits(), Sources(), chosen)
    place = parse_endpoint("tcp:0:interface=127.0.0.1")
    listening = Listening(reactor, [place], service.site, name="test")
    service.startService()
    listening.startService()
    speaker = BlockSpeaker(listening.addresses[0].port, service, data)
    storage = service._resource.storage
    assert storage is not None
    try:
        await storage.index.run(lambda index: index.add_account("anna", ANNA, QUOTA))
        prefixes = await storage.index.run(lambda index: index.prefixes(ANNA))
        speaker.prefix = (
            prefixes[0]
            if prefixes
            else await storage.index.run(lambda index: index.make_prefix(ANNA))
        )
        yield speaker
    finally:
        await listening.stopService()
        await service.stopService()


def test_the_folder_is_the_default() -> None:
    """No access key is looked for."""
    assert parse() == FolderStorage()


def test_each_option_counts(tmp_path: Path) -> None:
    """The access key is that of the environment, or of a file."""
    amazon = S3Place.parse("s3://bucket/p", None)
    assert parse("--storage=s3://bucket/p") == S3Storage(amazon, CREDENTIALS)
    file = tmp_path / "credentials"
    file.write_text("[default]\naws_access_key_id=other\naws_secret_access_key=key\n")
    file.chmod(0o600)
    chosen = parse(
        *("--storage=s3://bucket", "--s3-endpoint=https://s3.example.org", "--s3-region=eu"),
        f"--s3-credentials={file}",
    )
    assert isinstance(chosen, S3Storage)
    assert chosen.place == S3Place("bucket", "", "https://s3.example.org", "eu")
    assert (chosen.credentials.key_id, chosen.credentials.secret) == ("other", "key")
    assert chosen.text == "s3://bucket at https://s3.example.org"
    assert "key" not in repr(chosen)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--storage=/srv/objects"], "--storage must be s3://BUCKET"),
        (["--s3-endpoint=https://x"], "--s3-endpoint means nothing without --storage s3://BUCKET"),
        (["--s3-region=eu"], "--s3-region means nothing without"),
        (["--s3-credentials=x"], "--s3-credentials means nothing without"),
        (["--storage=s3://bucket", "--s3-endpoint=http://x"], "must begin with https://"),
        (["--storage=s3://bucket", "--s3-credentials=/missing"], "/missing cannot be read"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: list[str], reason: str) -> None:
    """With a reason that names the option."""
    with pytest.raises(StartError, match=reason):
        parse(*arguments)


def test_without_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server does not start."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(StartError, match="the environment has no AWS_ACCESS_KEY_ID and"):
        parse("--storage=s3://bucket")


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line says what to install; who has a folder needs nothing."""
    monkeypatch.setitem(sys.modules, "botocore", None)
    with pytest.raises(StartError) as caught:
        parse("--storage=s3://bucket")
    assert str(caught.value) == "--storage s3://… needs the extra: pip install 'qabel[s3]'"
    assert parse() == FolderStorage()


def test_the_help_names_the_options() -> None:
    """And the variables of the environment."""
    text = Options().help_page().text()
    for each in ("--storage URL", "--s3-credentials FILE", "AWS_SECRET_ACCESS_KEY", "us-east-1"):
        assert each in text


@pytest_twisted.ensureDeferred
async def test_opening(tmp_path: Path) -> None:
    """Nothing is connected yet."""
    folder = FolderStorage().open(tmp_path, "mark", reactor)
    remote = parse("--storage=s3://bucket").open(tmp_path, "mark", reactor)
    assert isinstance(folder, FolderObjects)
    assert isinstance(remote, S3Objects)
    for each in (folder, remote):
        await each.close()


@pytest_twisted.ensureDeferred
async def test_a_server_with_s3(
    server: S3Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever uses it notices no difference, also after a restart; a crash leaves nothing."""
    chosen = parse("--storage=s3://bucket/live", f"--s3-endpoint={server.endpoint}")
    data, large = tmp_path / "data", bytes(range(256)) * 40_000
    assert len(large) > PART
    async with server.objects("s3://bucket/live"):
        pass
    async with blocks(data, chosen) as speaker:
        for body in (b"small", large, b""):
            assert (await speaker.put("blocks/a", body)).status == 204
            assert (await speaker.get("blocks/a")).body == body
        assert (await speaker.put("blocks/b", large)).status == 204
        part = await speaker.get("blocks/b", Range="bytes=1000-2999")
        assert (part.status, part.body) == (206, large[1000:3000])
        assert (await speaker.call("HEAD", speaker.file("blocks/b"))).status == 200
    async with blocks(data, chosen) as speaker:
        assert (await speaker.get("blocks/b")).body == large
        assert (await speaker.call("DELETE", speaker.file("blocks/b"))).status == 204
        assert (await speaker.get("blocks/b")).status == 404
        storage = speaker.service._resource.storage
        assert storage is not None
        left = await storage.store.create()
        await left.write(large)
        await left.finish()
        storage.store.settled(left.name)
        await speaker.service._sweep()
        with pytest.raises(ObjectGone):
            await storage.store.open(left.name, 0, 1)
        assert len(await storage.store.names()) == 1
    assert not (data / "objects").exists()
    assert check_command.run([f"--data-dir={data}"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "Objects: 1, with 0 bytes. Prefixes: 1."
    (line,) = lines[2:]
    assert line == (
        f"The objects are in s3://bucket/live at {server.endpoint}. They were not looked at: only"
        " the index was checked."
    )


@pytest_twisted.ensureDeferred
async def test_another_storage_than_before(server: S3Server, tmp_path: Path) -> None:
    """The server does not start, and the directory is free for one with the right storage."""
    remote = parse("--storage=s3://bucket/live", f"--s3-endpoint={server.endpoint}")
    other = parse("--storage=s3://bucket/other", f"--s3-endpoint={server.endpoint}")
    async with blocks(tmp_path / "folder", FolderStorage()) as speaker:
        await speaker.put("a", b"kept")
    for wrong in (remote, other):
        service = BlockServerService(tmp_path / "folder", reactor, BlockLimits(), Sources(), wrong)
        with pytest.raises(StartError, match=r"are in the folder, not in s3://bucket/\w+ at http"):
            service.startService()
    async with blocks(tmp_path / "folder", FolderStorage()) as speaker:
        assert (await speaker.get("a")).body == b"kept"
    async with blocks(tmp_path / "remote", remote):
        pass
    for wrong in (FolderStorage(), other):
        service = BlockServerService(tmp_path / "remote", reactor, BlockLimits(), Sources(), wrong)
        with pytest.raises(StartError, match=r"are in s3://bucket/live at http.*, not in "):
            service.startService()


@pytest_twisted.ensureDeferred
async def test_s3_that_is_away(tmp_path: Path) -> None:
    """The server starts and stops; what needs no objects works."""
    chosen = S3Storage(S3Place.parse("s3://bucket", "http://127.0.0.1:1"), CREDENTIALS)
    async with blocks(tmp_path, chosen) as speaker:
        assert (await speaker.call("GET", "/quota/")).status == 200
