"""Makes ``twistd qabel-block`` known to Twisted."""

from twisted.application.service import ServiceMaker

qabelBlock = ServiceMaker(  # noqa: N816 - plugins are found by any name
    "Qabel block server",
    "qabel.blockserver.tap",
    "A block server for encrypted files.",
    "qabel-block",
)
