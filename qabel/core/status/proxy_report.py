"""The state of the proxy that all traffic to servers goes through."""

from collections.abc import Collection, Iterable
from urllib.parse import urlsplit

from qabel.core.status.troubles import Trouble, TroubleKind
from qabel.core.status.views import ProxyView
from qabel.net.proxy import Proxy
from qabel.net.route import goes_directly
from qabel.settings.proxy_url import ProxyURL

_CONSEQUENCES = frozenset(
    {TroubleKind.SERVER_FAILING, TroubleKind.SENDING_FAILING, TroubleKind.PUSH_FAILING}
)


def without_consequences(troubles: Iterable[Trouble]) -> list[Trouble]:
    """Return the troubles without those of servers that only say that the proxy failed."""
    troubles = list(troubles)
    proxy = [each.what for each in troubles if each.kind is TroubleKind.PROXY]
    return [
        each
        for each in troubles
        if each.kind not in _CONSEQUENCES or not any(what in each.what for what in proxy)
    ]


def proxy_view(proxy: Proxy, option: ProxyURL | None, servers: Collection[str]) -> ProxyView | None:
    """Return the state of the proxy; None if there is none.

    Args:
        proxy: the one that is used.
        option: the one of the command line.
        servers: the URLs of the servers that the user configured.

    """
    if proxy.url is None:
        return None
    return ProxyView(
        address=proxy.url.address,
        source="settings" if option is None else "option",
        isolating=proxy.is_isolating,
        error=proxy.error,
        direct=sorted(each for each in servers if goes_directly(urlsplit(each).hostname or "")),
    )


def proxy_trouble(proxy: Proxy) -> list[Trouble]:
    """Return the problems with the proxy, if there is one."""
    if proxy.url is None:
        return []
    found = []
    if proxy.error is not None:
        found.append(Trouble(TroubleKind.PROXY, proxy.error))
    if proxy.is_isolating is False:
        given = proxy.url.credentials is not None
        why = "its URL has a user name and password" if given else "it asks for no user name"
        what = f"The proxy at {proxy.url.address} cannot keep identities apart: {why}."
        found.append(Trouble(TroubleKind.PROXY_NOT_ISOLATING, what))
    return found
