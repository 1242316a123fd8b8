"""A drop server on a disk that is full or damaged, or with a file that is locked."""

import resource
import sqlite3
import time
from pathlib import Path

from tests.dropserver.small_disk import damage_page, small_disk
from tests.integration.processes import Twistd, wait_until
from tests.integration.test_dropserver import LISTEN, A, ask, drop_server, get, post

LIFETIME = 4.0
"""Seconds."""


def short_lived(folder: Path) -> Twistd:
    """Start a drop server whose messages expire soon."""
    return drop_server(folder, LISTEN, f"--lifetime={LIFETIME / 86400}", data="disk/data")


def post_until_full(port: int) -> int:
    """Post until that fails, and return how many messages were taken."""
    for number in range(5000):
        if (status := post(port, b"x" * 2149)) != 200:
            assert status == 503
            return number
    raise AssertionError("the disk is never full")


def limit_files(pid: int, size: int) -> None:
    """Limit the size of the files that a process writes."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))


def test_a_full_disk_heals_by_itself(tmp_path: Path) -> None:
    """On a disk that stays full, expired messages go, and new ones come; also after a kill."""
    with small_disk(tmp_path / "disk", 3) as disk:
        with short_lived(tmp_path) as server:
            port = server.port("qabel-drop")
            for _ in range(50):
                assert post(port, b"x" * 2149) == 200
            disk.fill()
            post_until_full(port)
            disk.fill()
            assert len(get(port)[0]) >= 50
            wait_until(lambda: post(port, b"new") == 200 or None, "expired messages to go")
            assert b"new" in get(port)[0]
            assert server.log.count("The disk is full") == 1
            server.kill()
        disk.fill()
        with short_lived(tmp_path) as server:
            port = server.port("qabel-drop")
            assert b"new" in get(port)[0]
            time.sleep(LIFETIME)
            for number in range(30):
                assert post(port, b"%d" % number) == 200
            assert get(port)[0][-30:] == [b"%d" % number for number in range(30)]
            disk.free()
            wait_until(lambda: "has space again" in server.log or (post(port, b"x") and None), "it")
            for _ in range(100):
                assert post(port, b"y" * 2149) == 200
            server.stop()
        assert (disk.path / "data" / "drops.reserve").stat().st_size > 0


def test_posts_are_taken_again_however_many_are_refused(tmp_path: Path) -> None:
    """Senders that never pause do not keep it from noticing that there is space again."""
    with (
        small_disk(tmp_path / "disk", 3) as disk,
        drop_server(tmp_path, data="disk/data") as server,
    ):
        port = server.port("qabel-drop")
        # It has a file then; without one, there is nothing to go on with on a full disk.
        assert post(port, b"1") == 200
        disk.fill()
        post_until_full(port)
        ends = time.monotonic() + 2
        while time.monotonic() < ends:
            assert post(port, b"x" * 2149) == 503
        disk.free()
        wait_until(lambda: post(port, b"x" * 2149) == 200 or None, "posts to be taken again")


def test_it_starts_on_a_disk_that_others_filled(tmp_path: Path) -> None:
    """A server that was stopped or killed starts on a full disk, without its reserve too."""
    with small_disk(tmp_path / "disk", 3) as disk:
        with short_lived(tmp_path) as server:
            assert post(server.port("qabel-drop"), b"old") == 200
            server.stop()
        disk.fill()
        for _ in range(2):
            with short_lived(tmp_path) as server:
                port = server.port("qabel-drop")
                assert get(port)[0] == [b"old"]
                server.kill()
            (disk.path / "data" / "drops.reserve").unlink(missing_ok=True)
            disk.fill()


def test_damage_concerns_its_own_drop(tmp_path: Path) -> None:
    """A drop on a damaged page gets 503, again and again; the others work."""
    other, third = "/" + "b" * 43, "/" + "c" * 43
    with drop_server(tmp_path) as server:
        port = server.port("qabel-drop")
        assert post(port, b"damaged" * 300) == 200
        for _ in range(30):
            assert post(port, b"z" * 2000, other) == 200
        server.stop()
    damage_page(tmp_path / "data" / "drops.sqlite", b"damaged")
    with drop_server(tmp_path) as server:
        port = server.port("qabel-drop")
        for number in range(3):
            assert ask(port, "GET")[0].status == 503
            assert ask(port, "GET", path=other)[0].status in (200, 503)
            assert post(port, b"w" * 2000, third) == 200
            assert len(get(port, path=third)[0]) == number + 1
        server.stop()
    assert A[1:] not in server.log


def test_a_locked_file_is_over_when_it_is(tmp_path: Path) -> None:
    """While another program has locked the file, posts get 503 within seconds, and GETs go."""
    with drop_server(tmp_path) as server:
        port = server.port("qabel-drop")
        assert post(port, b"1") == 200
        other = sqlite3.connect(tmp_path / "data" / "drops.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        assert post(port, b"2") == 503
        assert time.monotonic() - began < 6
        assert get(port)[0] == [b"1"]
        other.execute("ROLLBACK")
        other.close()
        assert post(port, b"3") == 200
        assert get(port)[0] == [b"1", b"3"]


def test_a_file_that_may_not_be_written(tmp_path: Path) -> None:
    """While no file may grow, posts get 503 and GETs go; afterwards posts are taken again."""
    with drop_server(tmp_path) as server:
        port = server.port("qabel-drop")
        assert post(port, b"1") == 200
        pid = server.process.pid
        size = (tmp_path / "data" / "drops.sqlite-wal").stat().st_size
        limit_files(pid, size)
        stored = post_until_full(port)
        assert len(get(port)[0]) == stored + 1
        limit_files(pid, resource.RLIM_INFINITY)
        wait_until(lambda: post(port, b"2") == 200 or None, "posts to be taken again")
        assert len(get(port)[0]) == stored + 2
