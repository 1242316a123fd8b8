"""The options and the service of ``qabel-drop``, as a command and as a plugin of ``twistd``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from twisted.application.service import IService
from twisted.internet import reactor

from qabel import __version__
from qabel.drop.url import DROP_ID_BITS_OFFERED
from qabel.dropserver.admin_client import ADMIN_SOCKET
from qabel.dropserver.closed_group import ClosedGroup
from qabel.dropserver.command_line import DROP
from qabel.dropserver.command_list import COMMANDS
from qabel.dropserver.database_url import choose_database
from qabel.dropserver.engine import Engine, FileEngine
from qabel.dropserver.message_values import DAY, DROP_QUOTA
from qabel.dropserver.onion import tor_configuration
from qabel.dropserver.rates import Rate
from qabel.dropserver.server_limits import ServerLimits
from qabel.dropserver.service import FILE_NAME, DropServerService
from qabel.dropserver.wanted import Wanted, read_quota
from qabel.host.command_help import OptionHelp
from qabel.host.endpoints import parse_endpoint
from qabel.host.file_limit import raise_file_limit
from qabel.host.http_server.sources import Proxies, Sources
from qabel.host.log_limits import limit_logs
from qabel.host.private_sockets import PrivateSocketEndpoint
from qabel.host.protection import protect_process
from qabel.host.secretless_logs import withhold_texts
from qabel.host.server_options import ServerOptions
from qabel.host.serving import serve
from qabel.host.standard_streams import say
from qabel.host.start_errors import StartError, fail_start
from qabel.host.steady_clock import use_steady_clock

NAME = DROP.name

PROXY_ADVICE = (
    "If it is a reverse proxy, have it set X-Forwarded-For, and start this server with "
    "--trust-proxy 127.0.0.1 (or --trust-proxy unix for a Unix socket). If it is Tor, "
    "start this server with --behind-tor."
)

_BITS = f"{', '.join(map(str, DROP_ID_BITS_OFFERED[:-1]))} or {DROP_ID_BITS_OFFERED[-1]}"


class Options(ServerOptions):
    """The command line of ``qabel-drop``."""

    name = NAME
    version = __version__
    default_port = 9697
    synopsis = "[options]"
    longdesc = "A Qabel drop server: stores encrypted messages for anybody to fetch."
    commands = COMMANDS
    subjects: ClassVar[Mapping[str, Sequence[OptionHelp]]] = {
        "Listening": (
            OptionHelp("port", "N"),
            OptionHelp("listen", "ENDPOINT"),
            OptionHelp("allow-remote"),
            OptionHelp("admin", "ENDPOINT"),
            OptionHelp("onion"),
            OptionHelp("behind-tor"),
            OptionHelp("trust-proxy", "ADDRESS"),
        ),
        "Access": (OptionHelp("group-token-file", "FILE"),),
        "Messages": (
            OptionHelp("data-dir", "DIR"),
            OptionHelp("database", "URL"),
            OptionHelp("lifetime", "DAYS"),
            OptionHelp("quota", "MB"),
            OptionHelp("drop-quota", "N"),
            OptionHelp("drop-id-bits", "N"),
            OptionHelp("rate", "N"),
            OptionHelp("burst", "N"),
        ),
        "Connections": (
            OptionHelp("max-connections", "N"),
            OptionHelp("connections-per-address", "N"),
            OptionHelp("max-listeners", "N"),
            OptionHelp("listeners-per-drop", "N"),
        ),
        **ServerOptions.subjects,
    }
    environment: ClassVar[Mapping[str, str]] = {
        DROP.variable: "The same as --data-dir",
        "QABEL_DROP_DATABASE": "The same as --database",
        **ServerOptions.environment,
    }

    optFlags: ClassVar[list[list[str | None]]] = [
        ["onion", None, "Print what Tor needs to make it an onion service, and exit."],
        ["behind-tor", None, "Requests from this machine come through Tor: count them as one."],
    ]
    optParameters: ClassVar[list[list[str | None]]] = [
        ["admin", None, None, "Where /health and /metrics are, besides admin.sock in data-dir."],
        ["data-dir", None, None, "Data directory. [default: $QABEL_DROP_DATA_DIR, or per user]"],
        ["group-token-file", None, None, "Serve only a closed group, which has the token in FILE."],
        ["database", None, None, "A PostgreSQL database for the messages. [default: a file]"],
        ["lifetime", None, None, "Days before a message is deleted. [default: 7]"],
        ["quota", None, None, "Megabytes for all messages. [default: half of the free disk space]"],
        [
            "drop-quota",
            None,
            None,
            f"Messages that one drop may have. [default: {DROP_QUOTA}, more in shared drops]",
        ],
        [
            "drop-id-bits",
            None,
            None,
            f"Random bits in new drop ids ({_BITS}): with few, people share drops. [default: 256]",
        ],
        ["rate", None, "20", "Messages a second from one network address, on average."],
        ["burst", None, "600", "Messages from one network address at once."],
        ["max-connections", None, None, "Connections at the same time. [default: 1024]"],
        ["connections-per-address", None, "512", "Of these, from one network address."],
        ["max-listeners", None, None, "Of these, listening for messages. [default: 800]"],
        [
            "listeners-per-drop",
            None,
            None,
            "Of these, listening to one drop. [default: 100, more in shared drops]",
        ],
    ]

    def opt_trust_proxy(self, address: str) -> None:
        """Believe X-Forwarded-For of this proxy: ADDRESS, ADDRESS/BITS or unix. Repeatable."""
        self.trusted.append(address)

    def postOptions(self) -> None:
        """Check and convert the values. Raises StartError."""
        super().postOptions()
        if self["onion"]:
            say(tor_configuration(self.listen).rstrip())
            raise SystemExit(0)
        self.wanted = self._read_wanted()
        self.database = choose_database(self["database"])
        self.rate = Rate(self.positive("rate"), self.positive("burst", int))
        self.limits = ServerLimits.choose(
            self.positive("max-connections", int),
            self.positive("connections-per-address", int),
            self.positive("max-listeners", int),
            self.positive("listeners-per-drop", int),
        )
        self.proxies = Proxies.chosen(self.trusted)
        self.data_directory = DROP.directory(self["data-dir"])
        self.group = self._group()
        self.admin = None if self["admin"] is None else parse_endpoint(self["admin"])
        if self.admin is not None and self.admin.reachable:
            raise StartError(
                f"--admin {self['admin']} is reachable from other hosts; use "
                "tcp:PORT:interface=127.0.0.1 or unix:PATH"
            )
        if self.admin is not None and self.admin.path is not None:
            path = Path(self.admin.path).resolve()
            if path == (self.data_directory / ADMIN_SOCKET).resolve():
                self.admin = None  # it is there anyway

    def _read_wanted(self) -> Wanted:
        lifetime = self.positive("lifetime")
        return Wanted(
            lifetime=None if lifetime is None else lifetime * DAY,
            quota=read_quota(self["quota"]),
            drop_quota=self.positive("drop-quota", int),
            drop_id_bits=self._drop_id_bits(),
        )

    def _drop_id_bits(self) -> int | None:
        """Return the random bits in ids of new drops. Raises StartError."""
        text = self["drop-id-bits"]
        if text is None:
            return None
        for bits in DROP_ID_BITS_OFFERED:
            if text == str(bits):
                return bits
        raise StartError(f"--drop-id-bits must be {_BITS}, not {text!r}")

    def _group(self) -> ClosedGroup | None:
        file = self["group-token-file"]
        # The server may leave the directory that a relative path is for.
        return None if file is None else ClosedGroup.load(Path(file).expanduser().absolute())


def _engine(options: Options) -> Engine:
    """Return what stores the messages. Raises StartError."""
    if options.database is None:
        return FileEngine(options.data_directory / FILE_NAME, options.wanted.retention, reactor)
    # Imported here because few have psycopg.
    from qabel.dropserver.postgresql.engine import PostgresEngine  # noqa: PLC0415

    return PostgresEngine(
        options.database,
        options.wanted,
        reactor,
        on_refused=lambda error: fail_start(f"{NAME}: {error}", reactor),
    )


def makeService(options: Options) -> IService:
    """Return the service that the command, or twistd, runs."""
    protect_process()
    allowed = raise_file_limit(options.limits.files)
    is_chosen = options["max-connections"] is not None
    withhold_texts()
    limit_logs()
    use_steady_clock(reactor)
    options.handle_signals(reactor, None if options.group is None else options.group.reload)
    drops = DropServerService(
        options.data_directory,
        reactor=reactor,
        engine=_engine(options),
        sources=Sources(options.proxies, bool(options["behind-tor"])),
        rate=options.rate,
        limits=options.limits.within(allowed, is_chosen=is_chosen),
        group=options.group,
        proxy_advice=PROXY_ADVICE,
        admin=options.admin,
        control=PrivateSocketEndpoint(reactor, options.data_directory / ADMIN_SOCKET),
    )
    return serve(drops, options, reactor)
