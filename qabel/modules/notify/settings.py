"""The settings of notify: ``module_data.notify`` of the local settings."""

from attrs import frozen

from qabel.forms.compound import Key, ValueOf
from qabel.forms.plain import Choice, Flag


@frozen(kw_only=True)
class NotifySettings:
    """What is shown.

    ``desktop`` says whether there are notices on the desktop, and ``show`` what they say: that
    there is a message (``nothing``), also from whom (``sender``), also its text (``text``).
    """

    desktop: bool = True
    show: str = "sender"


FORM = ValueOf(
    NotifySettings,
    {
        "desktop": Key(Flag(), default=True, description="Whether to show notices on the desktop."),
        "show": Key(
            Choice(("nothing", "sender", "text")),
            "sender",
            description="What notices say of a message.",
        ),
    },
)
