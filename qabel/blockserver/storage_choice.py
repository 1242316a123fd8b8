"""Which storage a block server has: the folder in its data directory, or S3."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from attrs import frozen

from qabel.blockserver.folder_objects import FolderObjects
from qabel.blockserver.index_tables import FOLDER, OBJECTS
from qabel.blockserver.object_store import ObjectStore
from qabel.blockserver.s3_credentials import S3Credentials, read_credentials
from qabel.blockserver.s3_place import REGION, S3Place
from qabel.host.start_errors import StartError


class ChosenStorage(Protocol):
    """A storage that is not open yet."""

    @property
    def text(self) -> str:
        """What people call it, and by what the index remembers it."""

    def open(self, directory: Path, mark: str, reactor: Any) -> ObjectStore:
        """Return the storage.

        Args:
            directory: the data directory.
            mark: of the index.
            reactor: Twisted's reactor.

        """


@frozen
class FolderStorage:
    """The folder in the data directory."""

    text: str = FOLDER

    def open(self, directory: Path, mark: str, reactor: Any) -> ObjectStore:
        """Return the storage. It needs no mark: it is beside the index."""
        return FolderObjects(directory / OBJECTS, reactor)


@frozen
class S3Storage:
    """A place in S3."""

    place: S3Place
    credentials: S3Credentials

    @property
    def text(self) -> str:
        """What people call it, and by what the index remembers it."""
        return self.place.text

    def open(self, directory: Path, mark: str, reactor: Any) -> ObjectStore:
        """Return the storage. It is not connected yet: the server may not be there."""
        # Imported here because few have botocore.
        from qabel.blockserver.s3_objects import S3Objects  # noqa: PLC0415
        from qabel.blockserver.s3_requests import S3Requests  # noqa: PLC0415
        from qabel.blockserver.s3_signing import S3Signer  # noqa: PLC0415

        signer = S3Signer(self.credentials, self.place.region)
        return S3Objects(S3Requests(self.place, signer, reactor), mark)


def choose_storage(options: Mapping[str, Any]) -> ChosenStorage:
    """Return the storage that the options of a command line name. Raises StartError."""
    url = options["storage"]
    if url is None:
        for name in ("s3-endpoint", "s3-region", "s3-credentials"):
            if options[name] is not None:
                raise StartError(f"--{name} means nothing without --storage s3://BUCKET")
        return FolderStorage()
    place = S3Place.parse(url, options["s3-endpoint"], options["s3-region"] or REGION)
    try:
        import botocore  # noqa: F401, PLC0415 - few have it
    except ImportError:
        raise StartError("--storage s3://… needs the extra: pip install 'qabel[s3]'") from None
    return S3Storage(place, read_credentials(options["s3-credentials"]))
