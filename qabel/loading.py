"""What twistd loads for ``qabel-rest``: ``qabel.tap``, with no garbage collector in between.

A sixth of the time to start would go into looking, again and again, at what has just been loaded
and stays; ``qabel.process.keep_for_good`` makes up for it.
"""

import gc

gc.disable()
try:
    from qabel.tap import Options, makeService
finally:
    gc.enable()

__all__ = ["Options", "makeService"]
