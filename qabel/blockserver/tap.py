"""The options and the service of ``qabel-block``, as a command and as a plugin of ``twistd``."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from twisted.application.service import IService
from twisted.internet import reactor

from qabel import __version__
from qabel.blockserver.block_command_line import BLOCK
from qabel.blockserver.block_commands import COMMANDS
from qabel.blockserver.s3_credentials import KEY_ID, SECRET, SESSION
from qabel.blockserver.s3_place import REGION
from qabel.blockserver.service import BlockLimits, BlockServerService
from qabel.blockserver.storage_choice import choose_storage
from qabel.host.byte_sizes import parse_size
from qabel.host.command_help import OptionHelp
from qabel.host.file_limit import raise_file_limit
from qabel.host.http_server.sources import Proxies, Sources
from qabel.host.log_limits import limit_logs
from qabel.host.protection import protect_process
from qabel.host.secretless_logs import withhold_texts
from qabel.host.server_options import ServerOptions
from qabel.host.serving import serve
from qabel.host.steady_clock import use_steady_clock

FILES_EACH = 2
"""Files that a connection may need: itself, and an object."""

OWN_FILES = 64


class Options(ServerOptions):
    """The command line of ``qabel-block``."""

    name = BLOCK.name
    version = __version__
    default_port = 9699
    needs_tls = True
    synopsis = "[options]"
    longdesc = "A Qabel block server: stores encrypted files for those who have a token."
    commands = COMMANDS
    subjects: ClassVar[Mapping[str, Sequence[OptionHelp]]] = {
        "Listening": (
            OptionHelp("port", "N"),
            OptionHelp("listen", "ENDPOINT"),
            OptionHelp("allow-remote"),
            OptionHelp("trust-proxy", "ADDRESS"),
        ),
        "Files": (
            OptionHelp("data-dir", "DIR"),
            OptionHelp("max-body", "SIZE"),
            OptionHelp("storage", "URL"),
            OptionHelp("s3-endpoint", "URL"),
            OptionHelp("s3-region", "NAME"),
            OptionHelp("s3-credentials", "FILE"),
        ),
        "Connections": (
            OptionHelp("max-connections", "N"),
            OptionHelp("connections-per-address", "N"),
        ),
        **ServerOptions.subjects,
    }
    environment: ClassVar[Mapping[str, str]] = {
        BLOCK.variable: "The same as --data-dir",
        KEY_ID: "The access key for S3, unless it is in a file",
        SECRET: "The secret of the access key",
        SESSION: "The token of its session, if it is a temporary one",
        **ServerOptions.environment,
    }
    optParameters: ClassVar[list[list[str | None]]] = [
        ["data-dir", None, None, f"Data directory. [default: ${BLOCK.variable}, or per user]"],
        ["max-body", None, "2G", "Largest object that is taken."],
        ["storage", None, None, "Where objects are: s3://BUCKET/PREFIX. [default: in data-dir]"],
        ["s3-endpoint", None, None, "The S3 server. [default: Amazon's in the region]"],
        ["s3-region", None, None, f"The region of S3. [default: {REGION}]"],
        ["s3-credentials", None, None, "Read the access key for S3 from FILE, as AWS tools do."],
        ["max-connections", None, "1024", "Connections at the same time."],
        ["connections-per-address", None, "512", "Of these, from one network address."],
    ]

    def opt_trust_proxy(self, address: str) -> None:
        """Do not limit the connections of this proxy: ADDRESS, ADDRESS/BITS or unix. Repeatable."""
        self.trusted.append(address)

    def postOptions(self) -> None:
        """Check and convert the values. Raises StartError."""
        super().postOptions()
        self.proxies = Proxies.chosen(self.trusted)
        self.storage = choose_storage(self)
        self.data_directory = BLOCK.directory(self["data-dir"])
        self.limits = BlockLimits(
            max_body=parse_size("max-body", self["max-body"]),
            connections=self.positive("max-connections", int),
            connections_each=self.positive("connections-per-address", int),
        )


def makeService(options: Options) -> IService:
    """Return the service that the command, or twistd, runs."""
    protect_process()
    raise_file_limit(FILES_EACH * options.limits.connections + OWN_FILES)
    withhold_texts()
    limit_logs()
    use_steady_clock(reactor)
    options.handle_signals(reactor)
    blocks = BlockServerService(
        options.data_directory,
        reactor,
        options.limits,
        Sources(options.proxies),
        options.storage,
    )
    return serve(blocks, options, reactor)
