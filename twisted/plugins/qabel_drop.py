"""Makes ``twistd qabel-drop`` known to Twisted."""

from twisted.application.service import ServiceMaker

qabelDrop = ServiceMaker(  # noqa: N816 - plugins are found by any name
    "Qabel drop server",
    "qabel.dropserver.tap",
    "A drop server for encrypted Qabel messages.",
    "qabel-drop",
)
