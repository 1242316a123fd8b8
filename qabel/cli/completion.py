"""``qabel completion``: have a shell complete commands, options and names."""

import click
from click.shell_completion import get_completion_class

from qabel.cli.context import Command, Session

PROGRAM = "qabel"
VARIABLE = "_QABEL_COMPLETE"
SHELLS = ("bash", "zsh", "fish")


@click.command(cls=Command, short_help="Have a shell complete commands and names.")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Write a script by which a shell completes commands, options, and the names of contacts.

    \b
    bash:  eval "$(qabel completion bash)"                      in ~/.bashrc
    zsh:   eval "$(qabel completion zsh)"                       in ~/.zshrc
    fish:  qabel completion fish > ~/.config/fish/completions/qabel.fish
    """  # noqa: D301 - click leaves the lines below that character as they are
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"{shell} is not known")
    session: Session = ctx.obj
    session.out.raw(kind(ctx.find_root().command, {}, PROGRAM, VARIABLE).source() + "\n")
