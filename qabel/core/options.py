"""The options of a core."""

from attrs import field, frozen

from qabel.core.receiving.drop_traffic import DROP_BANDWIDTH
from qabel.core.receiving.full_readings import FULL_READ_INTERVAL
from qabel.core.receiving.poll_times import PUSH_POLL_INTERVAL
from qabel.core.status.health import STALE_AFTER
from qabel.settings.proxy_url import ProxyURL, to_proxy_url


@frozen
class CoreOptions:
    """The options of a core. Times are in seconds."""

    full_read_interval: float = FULL_READ_INTERVAL
    """Between two reads of a whole drop at least."""
    drop_bandwidth: int = DROP_BANDWIDTH
    """Bytes that the reading of one drop may take in an hour."""
    stale_after: float = STALE_AFTER
    """Without a successful poll of a server before the daemon is unhealthy."""
    linkable: bool = False
    """Whether all identities share connections, so that servers can tell that they belong together.
    """
    push: bool = True
    """Whether drops are watched by push, in addition to polling."""
    push_poll_interval: float = PUSH_POLL_INTERVAL
    """Between two polls of a drop that is watched by push, on average."""
    webhook_origins: frozenset[str] = frozenset()
    """Origins, besides loopback, that webhooks may call: ``https://host:port``."""
    token_mode: int = 0o600
    """The mode of the main token's file."""
    proxy: ProxyURL | None = field(default=None, converter=to_proxy_url)
    """The SOCKS5 proxy for all traffic to servers, or its URL; None for that of the settings."""
