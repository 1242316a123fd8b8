"""The local settings: those of this device (Qabel-Client-Configuration, "Local settings")."""

from typing import Any

import attrs

from qabel.forms.compound import Key, OrNull, ValueOf
from qabel.forms.errors import Errors
from qabel.forms.plain import Choice, Flag, Integer, Number, Text
from qabel.settings.document import DocumentType
from qabel.settings.module_data import MAX_SIZE, ModuleData, ModuleDataForm
from qabel.settings.module_forms import check_changed, module_forms
from qabel.settings.proxy_url import ProxyForm, ProxyURL

LEAST_POLL_INTERVAL = 0.05
LONGEST_POLL_INTERVAL = 365 * 24 * 60 * 60
"""Seconds: a year, which every timer can represent."""

DEFAULT_POLL_INTERVAL = 5
_INTERVAL = Number(LEAST_POLL_INTERVAL, LONGEST_POLL_INTERVAL)


DEFAULT_QUOTA = 64
"""MiB of strangers' messages."""

LARGEST_QUOTA = 1024 * 1024
"""MiB: a tebibyte."""


@attrs.frozen(kw_only=True)
class InboxSettings:
    """What is kept of received messages.

    ``strangers`` says whose messages are kept: those of all strangers (``keep``), of strangers who
    introduce themselves (``introduced``), or of contacts only (``refuse``). ``stranger_quota`` is
    how much is kept of strangers in all, in MiB of the JSON text of their messages. ``keep_days``
    is after how many days messages are deleted, received ones and sent ones; None for never.
    ``unknown_kinds`` says what happens if no module owns the kind of a message: it is kept and
    acknowledged like others (``keep``), or its sender is told that there is no module for it
    (``refuse``).
    """

    strangers: str = "keep"
    stranger_quota: int = DEFAULT_QUOTA
    keep_days: int | None = None
    unknown_kinds: str = "keep"


_INBOX = ValueOf(
    InboxSettings,
    {
        "strangers": Key(Choice(("keep", "introduced", "refuse")), "keep", keeps=True),
        "stranger_quota": Key(Integer(0, LARGEST_QUOTA), DEFAULT_QUOTA, keeps=True),
        "keep_days": Key(OrNull(Integer(1, 36_500)), None, keeps=True),
        "unknown_kinds": Key(
            Choice(("keep", "refuse")),
            "keep",
            description="What becomes of messages whose kind no module owns.",
            keeps=True,
        ),
    },
)


DEFAULT_ACKNOWLEDGE_DELAY = 20
"""Seconds."""

LONGEST_ACKNOWLEDGE_DELAY = 7 * 24 * 60 * 60
"""Seconds: a week."""


@attrs.frozen(kw_only=True)
class PrivacySettings:
    """What others may learn.

    ``introduce`` says when messages tell their recipient who the sender is: until the recipient is
    known to have received one (``auto``), each time (``always``), or not at all (``never``).
    ``acknowledge`` says whose messages are acknowledged when they ask for it: those of contacts
    (``contacts``) or nobody's (``never``). ``acknowledge_delay`` is the mean delay of an
    acknowledgement in seconds; 0 for none. ``proxy`` is the SOCKS5 proxy that all traffic to
    servers goes through, unless the daemon was started with another; None for none.
    ``shared_drops`` says whether new drops have as few random bits in their ids as their server
    asks for, so that people share them by chance.
    """

    introduce: str = "auto"
    acknowledge: str = "contacts"
    acknowledge_delay: float = DEFAULT_ACKNOWLEDGE_DELAY
    proxy: ProxyURL | None = None
    shared_drops: bool = False


_PRIVACY = ValueOf(
    PrivacySettings,
    {
        "introduce": Key(Choice(("auto", "always", "never")), "auto", keeps=True),
        "acknowledge": Key(Choice(("contacts", "never")), "contacts", keeps=True),
        "acknowledge_delay": Key(
            Number(0, LONGEST_ACKNOWLEDGE_DELAY), DEFAULT_ACKNOWLEDGE_DELAY, keeps=True
        ),
        "proxy": Key(
            OrNull(ProxyForm()),
            None,
            description="socks5://HOST:PORT or socks5://USER:PASSWORD@HOST:PORT",
            keeps=True,
        ),
        "shared_drops": Key(
            Flag(),
            default=False,
            description="Share new drops with others by chance, if their server asks for it "
            "(`drop_id_bits`). It cannot tell then who of them gets which message; strangers can "
            "fetch the encrypted messages, and fill the drop.",
            keeps=True,
        ),
    },
)


@attrs.frozen(kw_only=True)
class LocalSettings:
    """The settings of this device.

    ``poll_interval`` is the time between two polls of the drop servers in seconds.
    ``drop_last_update`` is when the newest message arrived, as its drop server states it.
    """

    poll_interval: float = DEFAULT_POLL_INTERVAL
    drop_last_update: str | None = None
    inbox: InboxSettings = InboxSettings()
    privacy: PrivacySettings = PrivacySettings()
    modules: ModuleData = attrs.field(factory=ModuleData)

    @property
    def module_data(self) -> dict[str, Any]:
        """A copy of the objects of all modules, by name."""
        return self.modules.value


def _check_change(old: LocalSettings, new: LocalSettings, errors: Errors) -> None:
    check_changed(module_forms().local, old.modules, new.modules, errors.under("module_data"))


SPARE = 16 * 1024
"""Bytes that are left of a body of 1 MiB with the whole document in it."""

LOCAL: DocumentType[LocalSettings] = DocumentType(
    LocalSettings,
    {
        "poll_interval": Key(_INTERVAL, DEFAULT_POLL_INTERVAL),
        "drop_last_update": Key(OrNull(Text()), None),
        "inbox": Key(_INBOX, InboxSettings(), keeps=True),
        "privacy": Key(_PRIVACY, PrivacySettings(), keeps=True),
        "module_data": Key(ModuleDataForm(), ModuleData(), attribute="modules"),
    },
    rules_of_change=_check_change,
    largest=MAX_SIZE - SPARE,
)
