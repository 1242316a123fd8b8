"""The files of the console, and how browsers are to treat them.

There is nothing about the user in them, so they need no token. The checks of ``Host`` apply.
"""

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable

from attrs import frozen

from qabel.contract.reply import Headers, Reply

INDEX = "index.html"
"""The page itself; all other files have paths below ``PLACE``."""

PLACE = "/console/static"
"""The path of the folder with the files."""

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}

_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    b"img-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    b"require-trusted-types-for 'script'"
)

_FEATURES = (
    b"camera=(self), accelerometer=(), autoplay=(self), display-capture=(), encrypted-media=(), "
    b"geolocation=(), gyroscope=(), hid=(), magnetometer=(), microphone=(), midi=(), payment=(), "
    b"screen-wake-lock=(), serial=(), usb=()"
)
"""The camera reads QR codes; nothing else of the machine is used."""

HEADERS: Headers = (
    (b"Content-Security-Policy", _POLICY),
    (b"Permissions-Policy", _FEATURES),
    (b"Cross-Origin-Opener-Policy", b"same-origin"),
    (b"Cross-Origin-Resource-Policy", b"same-origin"),
    (b"Referrer-Policy", b"no-referrer"),
)


@frozen
class PageFile:
    """A file of the console."""

    path: str
    """Where it is served."""
    content_type: str
    reply: Reply


def load_pages() -> Iterator[PageFile]:
    """Yield the files of the console, as they are in the package."""
    folder = files("qabel.console") / "static"
    for name, file in sorted(_files(folder, "")):
        content_type = _TYPES.get(file.name[file.name.rfind(".") :])
        if content_type is not None:
            path = "/" if name == INDEX else f"{PLACE}/{name}"
            headers = (*HEADERS, (b"Vary", b"Accept")) if name == INDEX else HEADERS
            reply = Reply(200, file.read_bytes(), content_type.encode(), headers)
            yield PageFile(path, content_type, reply)


def _files(folder: Traversable, above: str) -> Iterator[tuple[str, Traversable]]:
    for each in folder.iterdir():
        if each.is_dir():
            yield from _files(each, f"{above}{each.name}/")
        else:
            yield f"{above}{each.name}", each
