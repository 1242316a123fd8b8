"""Ending a connection, by TLS or in the clear. Twisted's transports differ in how it is done."""

from typing import Any

from twisted.protocols.policies import ProtocolWrapper


def stop_writing(transport: Any) -> None:
    """End the writing side of a connection, and go on reading.

    Closed at once, with bytes unread, a system takes back what was written last.

    Args:
        transport: a connection whose producer is no longer needed.

    """
    transport.unregisterProducer()
    if isinstance(transport, ProtocolWrapper):
        # TLS ends when the other side has said so too. Half closing what carries it would let
        # the other side miss the end of TLS, or even what is still to be encrypted.
        transport.loseConnection()
    else:
        # Not all that can be listened on can be half closed.
        getattr(transport, "loseWriteConnection", transport.loseConnection)()
    transport.resumeProducing()


def close(transport: Any) -> None:
    """Close a connection as soon as the system has taken what was written.

    The system still sends what it has taken, however slowly the other side reads.

    Args:
        transport: a connection whose producer is no longer needed.

    """
    transport.loseConnection()
    if isinstance(transport, ProtocolWrapper):
        # TLS by itself would wait until the other side has said that it ends.
        carrier: Any = transport.transport
        carrier.loseConnection()


def is_tls_over(transport: Any) -> bool:
    """Return whether TLS has ended while what carries it is still to be closed.

    Until that has happened, Twisted reports nothing, and discards what is written.

    Args:
        transport: a connection that this side has not ended.

    """
    if not isinstance(transport, ProtocolWrapper):
        return False
    return bool(getattr(transport.transport, "disconnecting", False))
