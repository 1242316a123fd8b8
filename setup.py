"""Packaging: everything is in ``pyproject.toml`` but what only code can say."""

from setuptools import setup

# `twisted/plugins` has no __init__.py on purpose: Twisted finds plugins of other
# distributions only in directories that are not packages, so it is named here.
setup(
    packages=[
        "qabel",
        "qabel.core",
        "qabel.drop",
        "qabel.dropserver",
        "qabel.net",
        "qabel.rest",
        "qabel.settings",
        "qabel.store",
        "twisted.plugins",
    ],
)
