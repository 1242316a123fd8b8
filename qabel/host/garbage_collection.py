"""Garbage collection for a process that runs for long and answers quickly.

Nothing here knows Qabel.
"""

import gc

THRESHOLDS = 7_000, 10, 20
"""How many objects, young and middle-aged collections come before the next older collection."""


def tune_garbage_collector() -> None:
    """Exempt the objects that exist now from garbage collection, and collect the others less often.

    What exists after the start stays anyway: a full collection in an idle daemon takes about
    50 ms, in which nobody is answered. So does one over the objects of a thousand connections,
    which used to happen whenever all of them were notified. It now happens a twentieth as often;
    the garbage that waits for it, 45 MB at most, is from connections that were open for long.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
