"""``qabel completion``: scripts for shell completion."""

import click

from qabel.cli.completion_scripts import SHELLS, completion_script
from qabel.cli.context import Command, Session, pass_session


@click.command(cls=Command, short_help="Print a script for shell completion.")
@click.argument("shell", type=click.Choice(SHELLS))
@pass_session
def completion(session: Session, shell: str) -> None:
    """Print a script that completes commands, options and values, such as names of contacts.

    It is for qabel, qabel-rest, qabel-drop and qabel-block.

    \b
    bash:  eval "$(qabel completion bash)"                      in ~/.bashrc
    zsh:   eval "$(qabel completion zsh)"                       in ~/.zshrc, after compinit
    fish:  qabel completion fish > ~/.config/fish/conf.d/qabel.fish
    """  # noqa: D301 - click keeps the lines after this character as they are
    session.out.raw(completion_script(shell))
