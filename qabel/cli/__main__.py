"""``python -m qabel.cli`` is ``qabel``."""

from qabel.cli import main

if __name__ == "__main__":
    main()
