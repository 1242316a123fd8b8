"""The local Qabel daemon: end-to-end encrypted, anonymous messages behind a REST API."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("qabel")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0+unknown"

__all__ = ["__version__"]
