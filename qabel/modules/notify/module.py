"""The declaration of notify."""

import os
from typing import Any

from qabel.modules.api import Companion, Module, ModuleTools
from qabel.modules.notify.desktop import make_desktop
from qabel.modules.notify.prepare import HEARS, prepare
from qabel.modules.notify.settings import FORM


def _companion(tools: ModuleTools, reactor: Any) -> Companion:
    return make_desktop(tools, reactor, os.environ)


module = Module(
    name="notify",
    summary="Says on the desktop, and to webhooks, that there are new messages in chat.",
    kinds=(),
    settings=FORM,
    hears=HEARS,
    companion=_companion,
    prepare=prepare,
)
