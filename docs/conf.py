"""The configuration of Sphinx, which builds the documentation: ``make docs``."""

import sys
from pathlib import Path

import qabel

sys.path.insert(0, str(Path(__file__).parent / "extensions"))

project = "qabel"
copyright = "The qabel authors"  # noqa: A001 - Sphinx's name for it
author = "The qabel authors"
version = release = qabel.__version__

extensions = ["generated"]
exclude_patterns = ["_build"]
highlight_language = "none"
html_theme = "alabaster"
html_theme_options = {
    "description": "End-to-end encrypted messages behind a local REST API",
    "fixed_sidebar": True,
    "page_width": "72em",
}
html_copy_source = False
html_show_sphinx = False
man_pages = [
    ("man/qabel", "qabel", "End-to-end encrypted messages, from the command line", author, 1),
    ("man/qabel-rest", "qabel-rest", "the Qabel daemon", author, 1),
    ("man/qabel-drop", "qabel-drop", "a Qabel drop server", author, 1),
    ("man/qabel-block", "qabel-block", "a Qabel block server", author, 1),
]
