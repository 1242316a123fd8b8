"""Which addresses the daemon may connect to.

Contact cards come from strangers: none of them may direct the daemon into the local network.
"""

from collections.abc import Callable, Collection

import attrs

from qabel.drop.url import DropURL
from qabel.net.addresses import IPAddress, is_onion
from qabel.net.errors import NotAllowed
from qabel.net.route import onion_error


def any_address(_: IPAddress) -> bool:
    """Accept every address, as for servers that the user chose."""
    return True


@attrs.frozen(eq=False)
class AddressPolicy:
    """Decides which drop servers are trusted.

    ``allowed_servers`` returns the URLs, in normal form, of the servers that the user configured or
    allowed. These may use http and have any address. Of every other server only addresses in the
    public internet may be connected to, and it must use https unless it is one of
    ``http_servers``: those of the user's own drops. Onion services need a proxy, which
    ``has_proxy`` says whether there is; they may use http, as Tor encrypts.
    """

    _allowed_servers: Callable[[], Collection[str]] = frozenset
    _http_servers: Callable[[], Collection[str]] = frozenset
    _has_proxy: Callable[[], bool] = attrs.field(default=lambda: False)

    def trusts(self, url: DropURL) -> bool:
        """Return whether the drop is on a server that the user chose.

        Raises NotAllowed for any other server that must use https and does not, and for an onion
        service if there is no proxy.
        """
        is_safe = is_onion(url.name)
        if is_safe and not self._has_proxy():
            raise onion_error(url.name)
        if url.server in self._allowed_servers():
            return True
        is_safe = is_safe or url.server.startswith("https:")
        if not is_safe and url.server not in self._http_servers():
            raise NotAllowed(
                f"The drop server at {url.host} uses http, which is allowed only for servers in"
                " the list of drop servers. Add it to the list to allow it."
            )
        return False


def private_address_error(host: str) -> NotAllowed:
    """Return the error for an untrusted server at ``host`` that has no public address."""
    return NotAllowed(
        f"The drop server at {host} has a private or local address, which is allowed only for"
        " servers in the list of drop servers. Add it to the list to allow it."
    )
