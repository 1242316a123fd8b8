"""TLS to servers: nothing is sent and no protocol is made before the certificate was checked.

Twisted's own check lets a handshake go on when the certificate makes it raise an unexpected error.
So it is not used: the certificate is checked while the handshake runs, and again after it, and any
error at all refuses the server.
"""

from typing import Any

import attrs
from cryptography.x509 import Certificate
from OpenSSL import SSL
from OpenSSL.crypto import X509
from service_identity.pyopenssl import verify_hostname, verify_ip_address
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IAddress,
    IHandshakeListener,
    IOpenSSLClientConnectionCreator,
    IProtocol,
    IProtocolFactory,
    IReactorTime,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import CertificateOptions, platformTrust
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from zope.interface import implementer

from qabel.net.addresses import parse_host_address
from qabel.net.certificate import CertificateRejected, check_certificate
from qabel.net.errors import ConnectFailed
from qabel.net.tls_errors import describe_failure, describe_verification


@attrs.define(eq=False, repr=False)
class TLSClient:
    """Adds TLS to connections.

    Args:
        clock: schedules the writes of TLS connections.
        trust_root: replaces the system's certificates, for tests.

    """

    _clock: IReactorTime
    _trust_root: Any = None
    _options: CertificateOptions | None = attrs.field(default=None, init=False)

    def wrap(self, host: str, server: str, factory: IProtocolFactory) -> TLSMemoryBIOFactory:
        """Return a factory of connections to ``host`` with TLS.

        The ``wrappedProtocol`` of what it builds is a ``TLSHandshake``, which makes the protocol of
        ``factory`` once the server is verified.

        Args:
            host: a name, or an address without brackets.
            server: what errors call the server.
            factory: makes the protocol that uses the connection.

        """
        if self._options is None:
            # All certificates of the system are read here, so this is done only once.
            self._options = CertificateOptions(trustRoot=self._trust_root or platformTrust())
        host = host.removesuffix(".")
        creator = _ConnectionCreator(self._options, host)
        handshakes = _HandshakeFactory(host, server, creator, factory)
        return TLSMemoryBIOFactory(creator, True, handshakes, self._clock)


@implementer(IOpenSSLClientConnectionCreator)
@attrs.define(eq=False, repr=False)
class _ConnectionCreator:
    """Makes the TLS side of one connection, and checks the server's certificates as they come."""

    _options: CertificateOptions
    _host: str
    rejected: str | None = attrs.field(default=None, init=False)
    """Why the certificate was rejected, as in CertificateRejected."""

    def clientConnectionForTLS(self, tlsProtocol: Any) -> SSL.Connection:  # noqa: N803
        """Make the connection: it must verify the server, and names it if the host is a name."""
        connection = self._options.clientConnectionForTLS(tlsProtocol)
        connection.set_options(SSL.OP_NO_RENEGOTIATION)
        if parse_host_address(self._host) is None:
            connection.set_tlsext_host_name(self._host.encode("ascii"))
        required = SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT
        connection.set_verify(required, self._check)
        return connection

    def _check(self, _: SSL.Connection, certificate: X509, error: int, depth: int, ok: int) -> bool:
        """Return whether OpenSSL may go on. It calls this for each certificate of the chain."""
        try:
            if not ok:
                raise CertificateRejected(describe_verification(error, certificate, depth))
            if depth == 0:
                check_certificate(certificate.to_cryptography(), self._host)
        except CertificateRejected as rejected:
            self.rejected = rejected.detail
            return False
        except BaseException:  # noqa: BLE001 - whatever it is, the server is not verified
            self.rejected = "cannot be checked"
            return False
        return True


@implementer(IHandshakeListener)
@attrs.define(eq=False, slots=False, repr=False)
class TLSHandshake(Protocol):
    """Waits for the end of the handshake, and hands the connection over to the real protocol.

    ``verified`` fires with that protocol, or fails with ConnectFailed. Cancelling it closes the
    connection.
    """

    _host: str
    _server: str
    _creator: _ConnectionCreator
    _factory: IProtocolFactory
    _address: Any
    verified: Deferred[IProtocol] = attrs.field(
        init=False,
        default=attrs.Factory(lambda self: Deferred(lambda _: self._abort()), takes_self=True),
    )
    _inner: IProtocol | None = attrs.field(default=None, init=False)

    def handshakeCompleted(self) -> None:
        """Check the certificate once more, and make the protocol."""
        if self.verified.called:
            return
        try:
            self._check()
        except CertificateRejected as rejected:
            self._fail(f"could not be verified: its certificate {rejected.detail}")
            self._abort()
        except BaseException:  # noqa: BLE001 - whatever it is, the server is not verified
            self._fail("could not be verified: its certificate cannot be checked")
            self._abort()
        else:
            self._hand_over()

    def dataReceived(self, data: bytes) -> None:
        """Pass bytes on; there are none before the handshake is complete."""
        if self._inner is not None:
            self._inner.dataReceived(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Pass the end on, or say why the handshake failed."""
        if self._inner is not None:
            self._inner.connectionLost(reason)
        elif self._creator.rejected is not None:
            self._fail(f"could not be verified: its certificate {self._creator.rejected}")
        elif reason.check(SSL.Error):
            self._fail(describe_failure(reason.value, "failed the TLS handshake"))
        else:
            self._fail("closed the connection during the TLS handshake")

    def _check(self) -> None:
        connection: SSL.Connection = self.transport.getHandle()  # type: ignore[union-attr]
        certificate = connection.get_peer_certificate(as_cryptography=True)
        if not isinstance(certificate, Certificate):
            raise CertificateRejected("is missing")
        check_certificate(certificate, self._host)
        address = parse_host_address(self._host)
        if address is None:
            verify_hostname(connection, self._host)
        else:
            verify_ip_address(connection, str(address))

    def _hand_over(self) -> None:
        inner = self._factory.buildProtocol(self._address)
        assert inner is not None  # noqa: S101 - our factories always make one
        self._inner = inner
        inner.makeConnection(self.transport)  # type: ignore[arg-type]
        self.verified.callback(inner)

    def _fail(self, problem: str) -> None:
        if not self.verified.called:
            self.verified.errback(ConnectFailed(f"{self._server} {problem}."))

    def _abort(self) -> None:
        self.transport.abortConnection()  # type: ignore[union-attr]


@attrs.define(eq=False, slots=False, repr=False)
class _HandshakeFactory(Factory):
    """Makes the protocol that waits for a handshake."""

    noisy = False

    _host: str
    _server: str
    _creator: _ConnectionCreator
    _factory: IProtocolFactory

    def buildProtocol(self, addr: IAddress | None) -> TLSHandshake:
        """Make the protocol."""
        return TLSHandshake(self._host, self._server, self._creator, self._factory, addr)


async def verified(made: IProtocol) -> IProtocol:
    """Wait until the server of a new connection is verified, if there is TLS.

    Returns the protocol that uses the connection. Raises ConnectFailed.
    """
    handshake = getattr(made, "wrappedProtocol", None)
    return await handshake.verified if isinstance(handshake, TLSHandshake) else made
