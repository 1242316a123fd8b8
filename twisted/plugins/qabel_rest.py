"""Have twistd find ``qabel-rest``."""

from twisted.application.service import ServiceMaker

qabelRest = ServiceMaker(  # noqa: N816 - plugins are found by any name
    "Qabel",
    "qabel.tap",
    "The Qabel daemon: end-to-end encrypted messages behind a local REST API.",
    "qabel-rest",
)
