"""The options and the service of ``qabel-rest``, as a command and as a plugin of ``twistd``."""

import os
from collections.abc import Mapping, Sequence
from typing import ClassVar

from twisted.application.service import IService

from qabel import __version__
from qabel.core.errors import StoreError
from qabel.core.options import CoreOptions
from qabel.daemon import PORT, Daemon, DaemonConfig
from qabel.host.command_help import OptionHelp
from qabel.host.daemon_options import DaemonOptions
from qabel.host.data_directory import choose_data_directory
from qabel.host.endpoints import ListenOn, loopback_endpoints, parse_endpoint
from qabel.host.file_limit import raise_file_limit
from qabel.host.garbage_collection import tune_garbage_collector
from qabel.host.log_limits import limit_logs
from qabel.host.protection import protect_process
from qabel.host.secretless_logs import withhold_texts
from qabel.host.service_manager import Notifier
from qabel.host.start_errors import StartError
from qabel.host.steady_clock import use_steady_clock
from qabel.keys.choice import CHOICES, key_source
from qabel.modules.loading import FoundModule, ModuleChoice, ModuleChoiceError, find_modules
from qabel.net.errors import DropServerError
from qabel.net.trusted_authorities import authorities_problem
from qabel.rest.http.access_control import AccessOptions
from qabel.settings.proxy_url import InvalidProxyURL, ProxyURL

NAME = "qabel-rest"


class Options(DaemonOptions):
    """The command line of ``qabel-rest``."""

    name = NAME
    version = __version__
    needs_tls = True
    default_port = PORT
    synopsis = "[options]"
    longdesc = "The Qabel daemon: end-to-end encrypted messages behind a local REST API."
    subjects: ClassVar[Mapping[str, Sequence[OptionHelp]]] = {
        "Listening": (
            OptionHelp("port", "N"),
            OptionHelp("listen", "ENDPOINT"),
            OptionHelp("allow-remote"),
            OptionHelp("drop-server", "ENDPOINT"),
        ),
        "Data": (OptionHelp("data-dir", "DIR"), OptionHelp("key", "PLACE")),
        "Access": (
            OptionHelp("auth", "KIND"),
            OptionHelp("token-group-readable"),
            OptionHelp("allow-host", "NAME"),
            OptionHelp("allow-origin", "ORIGIN"),
            OptionHelp("no-console"),
            OptionHelp("allow-webhook", "ORIGIN"),
            OptionHelp("max-connections", "N"),
        ),
        "Drop servers": (
            OptionHelp("proxy", "URL"),
            OptionHelp("no-push"),
            OptionHelp("linkable"),
            OptionHelp("push-poll-interval", "SECONDS"),
            OptionHelp("full-read-interval", "SECONDS"),
            OptionHelp("drop-bandwidth", "MIB"),
            OptionHelp("stale-after", "SECONDS"),
        ),
        "Modules": (OptionHelp("module", "NAME"), OptionHelp("no-module", "NAME")),
        **DaemonOptions.subjects,
    }
    environment: ClassVar[Mapping[str, str]] = {
        "QABEL_DATA_DIR": "The same as --data-dir",
        **DaemonOptions.environment,
    }
    gone: ClassVar[Mapping[str, str]] = {
        "drop-id-bits": "drop servers say how many random bits the ids of new drops are to have, "
        "and the setting privacy.shared_drops says whether to follow them",
        **DaemonOptions.gone,
    }

    optFlags: ClassVar[list[list[str | None]]] = [
        ["no-push", None, "Poll drop servers only; do not listen for push notifications."],
        ["linkable", None, "Share connections: servers learn which identities belong together."],
        ["no-console", None, "Do not serve the web page for people (qabel open)."],
        ["token-group-readable", None, "Let the group read api-token, and enter its directory."],
    ]
    optParameters: ClassVar[list[list[str | None]]] = [
        ["data-dir", None, None, "Data directory. [default: $QABEL_DATA_DIR, or per user]"],
        ["key", None, "file", f"Where the database key is kept: {CHOICES}."],
        ["drop-server", None, None, "Also run a drop server, on this endpoint."],
        ["proxy", None, None, "SOCKS5 proxy for all servers (socks5://HOST:PORT), such as Tor."],
        ["auth", None, "token", "Authentication: token, or none (loopback only)."],
        ["max-connections", None, "1024", "Maximum number of simultaneous connections."],
        ["push-poll-interval", None, "900", "Mean seconds between polls of a drop with push."],
        ["full-read-interval", None, "3600", "Seconds between full reads of a drop, at least."],
        ["drop-bandwidth", None, "512", "MiB that reading one drop may take in an hour."],
        [
            "stale-after",
            None,
            "900",
            "Report unhealthy after this many seconds without a successful poll.",
        ],
    ]

    def __init__(self) -> None:
        super().__init__()
        self.hosts: list[str] = []
        self.origins: list[str] = []
        self.webhooks: list[str] = []
        self.added_modules: list[str] = []
        self.removed_modules: list[str] = []
        self.drop_server: ListenOn | None = None

    @classmethod
    def endpoints(cls, port: int) -> Sequence[str]:
        """Return descriptions of the loopback endpoints for a port."""
        # Two free ports would not be the same one.
        return loopback_endpoints(port) if port else super().endpoints(port)

    def opt_allow_host(self, name: str) -> None:
        """Accept requests for this host name, besides loopback names. Repeatable."""
        self.hosts.append(name)

    def opt_allow_origin(self, origin: str) -> None:
        """Accept requests from web pages of this origin (https://app.example). Repeatable."""
        self.origins.append(origin)

    def opt_allow_webhook(self, origin: str) -> None:
        """Allow webhooks to this origin (https://host:port), besides loopback. Repeatable."""
        self.webhooks.append(origin.lower())

    def opt_module(self, name: str) -> None:
        """Run this module, which must be installed. Repeatable."""
        self.added_modules.append(name)

    def opt_no_module(self, name: str) -> None:
        """Do not run this module. Repeatable."""
        self.removed_modules.append(name)

    def postOptions(self) -> None:
        """Check and convert the values. Raises StartError."""
        super().postOptions()
        if self["auth"] not in ("token", "none"):
            raise StartError(f"--auth must be token or none, not {self['auth']!r}")
        self._check_endpoints()
        problem = authorities_problem(os.environ)
        if problem is not None:
            raise StartError(problem)
        directory = choose_data_directory(self["data-dir"], variable="QABEL_DATA_DIR", name="qabel")
        self.data_directory = directory
        self.config = DaemonConfig(
            data_directory=directory,
            key=key_source(self["key"], directory),
            listen=self.listen,
            drop_server=self.drop_server,
            access=AccessOptions(
                auth=self["auth"] == "token",
                allowed_hosts=frozenset(self.hosts),
                allowed_origins=frozenset(self.origins),
                console=not self["no-console"],
                max_connections=self.positive("max-connections", int),
            ),
            core=CoreOptions(
                full_read_interval=self.positive("full-read-interval"),
                drop_bandwidth=int(self.positive("drop-bandwidth") * 2**20),
                stale_after=self.positive("stale-after"),
                linkable=bool(self["linkable"]),
                push=not self["no-push"],
                push_poll_interval=self.positive("push-poll-interval"),
                webhook_origins=frozenset(self.webhooks),
                proxy=self._proxy(),
                token_mode=0o640 if self["token-group-readable"] else 0o600,
            ),
            modules=self._modules(),
        )

    def _check_endpoints(self) -> None:
        """Check that other hosts reach only what they may. Raises StartError."""
        if self["auth"] == "none" and any(endpoint.reachable for endpoint in self.listen):
            raise StartError("--auth none requires loopback or Unix endpoints")
        if self["drop-server"] is not None:
            self.drop_server = parse_endpoint(self["drop-server"])
            if self.drop_server.reachable and not self["allow-remote"]:
                raise StartError(
                    f"--drop-server {self['drop-server']} is reachable from other hosts; pass "
                    "--allow-remote if that is intended"
                )

    def _modules(self) -> Sequence[FoundModule]:
        """Return the modules that were chosen. Raises StartError."""
        try:
            return find_modules(ModuleChoice(self.added_modules, self.removed_modules))
        except ModuleChoiceError as error:
            raise StartError(f"--module: {error}") from None

    def _proxy(self) -> ProxyURL | None:
        """Return the proxy that was chosen. Raises StartError, which does not quote it."""
        try:
            return None if self["proxy"] is None else ProxyURL.parse(self["proxy"])
        except InvalidProxyURL as error:
            raise StartError(f"--proxy {error}") from None


def makeService(options: Options) -> IService:
    """Return the service that the command, or twistd, runs."""
    from twisted.internet import reactor  # noqa: PLC0415 - importing it chooses it

    protect_process()
    raise_file_limit()
    withhold_texts(StoreError, DropServerError)
    limit_logs()
    use_steady_clock(reactor)
    options.handle_signals(reactor)
    daemon = Daemon(options.config, reactor=reactor)
    notifier = Notifier(reactor=reactor)
    notifier.setServiceParent(daemon)
    daemon.ready.addCallback(options.note_ready).addCallback(notifier.is_ready)
    daemon.ready.addCallback(lambda _: tune_garbage_collector())
    return daemon
