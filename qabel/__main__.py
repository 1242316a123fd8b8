"""``python -m qabel`` is ``qabel``, the command line. The daemon is the command ``qabel-rest``."""

from qabel.cli import main

if __name__ == "__main__":
    main()
