"""Opening and sealing, compared with the scalar multiplications that they require."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from nacl.bindings import crypto_scalarmult, crypto_scalarmult_base

from bench.measure import Row, paired
from qabel.core.receiving.pipeline import BATCH_SIZE
from qabel.crypto import PrivateKey
from qabel.drop.message import DropMessage, encode
from qabel.drop.transport import Opener, seal_message


def text(sender: PrivateKey) -> bytes:
    """Return the JSON text of a message of usual size."""
    data = b'{"msg":"%b"}' % (b"x" * 200)
    return encode(DropMessage(1, sender.public_key, "chat", data))


def run(*, small: bool) -> Iterator[Row]:
    """Measure on one core, and opening on all cores."""
    count, rounds = (50, 3) if small else (2000, 9)
    me, other, stranger = (PrivateKey.generate() for _ in range(3))
    points = [PrivateKey.generate().public_key.raw for _ in range(count)]
    message = text(other)

    def products() -> None:
        for point in points:
            crypto_scalarmult(me.raw, point)

    foreign = [seal_message(other, stranger.public_key, message) for _ in range(count)]
    opener = Opener([me])
    yield Row(
        "opening other people's messages, one core",
        "scalar multiplications by libsodium",
        paired(lambda: opener.open_all(foreign), products, rounds),
        ">= 0.80",
    )
    yield _all_cores(me, 5 * foreign, 5 * points, rounds)
    own = [seal_message(other, me.public_key, message) for _ in range(count)]
    yield Row(
        "opening one's own messages from known contacts, one core",
        "scalar multiplications by libsodium",
        paired(lambda: opener.open_all(own), products, rounds),
        ">= 0.60",
    )

    def seal() -> None:
        for _ in range(count):
            seal_message(me, other.public_key, message)

    def bare() -> None:
        for point in points:
            ephemeral = os.urandom(32)
            crypto_scalarmult_base(ephemeral)
            crypto_scalarmult(ephemeral, point)
            crypto_scalarmult(me.raw, point)

    yield Row(
        "sealing",
        "two scalar multiplications and one with the base point",
        paired(seal, bare, rounds),
        ">= 0.75",
    )


def _all_cores(me: PrivateKey, foreign: list[bytes], points: list[bytes], rounds: int) -> Row:
    """Open messages like the daemon reading a large drop: in threads, one for each processor."""
    threads = os.cpu_count() or 1
    opener = Opener([me])
    batches = [foreign[start : start + BATCH_SIZE] for start in range(0, len(foreign), BATCH_SIZE)]
    shares = [points[number::threads] for number in range(threads)]

    def multiply(share: list[bytes]) -> None:
        for point in share:
            crypto_scalarmult(me.raw, point)

    with ThreadPoolExecutor(threads) as pool:
        ratio = paired(
            lambda: list(pool.map(opener.open_all, batches)),
            lambda: list(pool.map(multiply, shares)),
            rounds,
        )
    return Row(
        "the same, all cores",
        f"the same multiplications in {threads} threads",
        ratio,
        ">= 0.75",
    )
