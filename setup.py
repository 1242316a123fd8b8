"""Packaging: everything is in ``pyproject.toml`` but what only code can say."""

from setuptools import find_packages, setup

# `twisted/plugins` has no __init__.py on purpose: Twisted finds plugins of other
# distributions only in directories that are not packages, so it is named here.
# It looks in the directories of sys.path: `package_dir` has an editable installation
# put this one there, in place of an import hook, which Twisted knows nothing of.
setup(
    packages=[*find_packages(include=["qabel", "qabel.*"]), "twisted.plugins"],
    package_dir={"": "."},
)
