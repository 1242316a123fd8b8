"""The daemon as a service for an application, made from checked arguments."""

from collections.abc import Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from qabel.core.options import CoreOptions
from qabel.daemon import Daemon, DaemonConfig
from qabel.host.endpoints import ListenOn, parse_endpoint
from qabel.host.start_errors import StartError
from qabel.keys.choice import key_source
from qabel.modules.loading import FoundModule, ModuleChoice, ModuleChoiceError, find_modules
from qabel.rest.http.access_control import AccessOptions
from qabel.store.key_record import KeySource

ANY_PORT = "tcp:0:interface=127.0.0.1"
"""A loopback port that the system chooses."""


def make_service(
    data_dir: str | PathLike[str],
    *,
    listen: str | Sequence[str] = ANY_PORT,
    drop_server: str | None = None,
    auth: bool = True,
    key: str | KeySource = "file",
    options: CoreOptions | None = None,
    modules: Sequence[str] | None = None,
    reactor: Any = None,
) -> Daemon:
    """Return the daemon as a service, for an application that runs the reactor itself.

    Start it with ``startService()``; its ``ready`` fires once it listens, or fails with StartError.
    ``stopService()`` returns a Deferred that fires when everything is closed.

    Args:
        data_dir: where everything is stored; only one daemon may use it.
        listen: the Twisted endpoint description to serve REST on, or several, or none.
        drop_server: the endpoint description of a drop server to run beside the daemon.
        auth: whether requests over TCP need a token.
        key: where the key of the database is stored, as with ``--key``; or a source of your own,
            such as ``GivenKey(32 bytes)`` of ``qabel.store.key_record``.
        options: options of the core, such as ``CoreOptions(proxy="socks5://127.0.0.1:9050")``.
        modules: the names of the modules that run, of those that are installed, such as
            ``["chat"]``; None for those that ``qabel-rest`` runs by default.
        reactor: Twisted's installed reactor, if not given.

    Raises:
        StartError: an endpoint is invalid or reachable from other hosts, or a module is not there.

    """
    if reactor is None:
        from twisted.internet import reactor  # noqa: PLC0415 - importing it chooses it
    directory = parse_directory(data_dir)
    config = DaemonConfig(
        data_directory=directory,
        key=parse_key(key, directory),
        listen=[_parse_endpoint(each) for each in _descriptions(listen)],
        drop_server=None if drop_server is None else _parse_endpoint(drop_server),
        access=AccessOptions(auth=auth),
        core=options or CoreOptions(),
        modules=_find_modules(modules),
    )
    return Daemon(config, reactor=reactor, embedded=True)


def parse_directory(path: str | PathLike[str]) -> Path:
    """Return the data directory as an absolute path. Raises ValueError for an empty one."""
    if not fspath(path):
        raise ValueError("data_dir must not be empty")
    return Path(path).expanduser().absolute()


def parse_key(key: str | KeySource, directory: Path) -> KeySource:
    """Return the source of the database's key; this may ask for a passphrase. Raises TypeError."""
    if isinstance(key, str):
        return key_source(key, directory)
    # An open file can be read and written too.
    if not callable(getattr(key, "forget", None)):
        raise TypeError("key must be one of the choices of --key, or a KeySource")
    return key


def _descriptions(listen: str | Sequence[str]) -> Sequence[str]:
    descriptions = (listen,) if isinstance(listen, str) else tuple(listen)
    if not all(isinstance(each, str) for each in descriptions):
        raise TypeError("listen must be endpoint descriptions, such as tcp:PORT:interface=ADDRESS")
    return descriptions


def _find_modules(names: Sequence[str] | None) -> Sequence[FoundModule]:
    if isinstance(names, str):
        raise TypeError("modules must be a sequence of names")
    try:
        if names is None:
            return find_modules(ModuleChoice())
        return find_modules(ModuleChoice(names), usual=())
    except ModuleChoiceError as error:
        raise StartError(f"modules: {error}") from None


def _parse_endpoint(description: str) -> ListenOn:
    endpoint = parse_endpoint(description)
    if endpoint.reachable:
        raise StartError(
            f"{endpoint.description} is reachable from other hosts; use a loopback address"
        )
    return endpoint
