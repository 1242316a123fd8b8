"""``qabel completion``: scripts for shell completion."""

import click
from click.shell_completion import get_completion_class

from qabel.cli.context import Command, Session

PROGRAM = "qabel"
VARIABLE = "_QABEL_COMPLETE"
SHELLS = ("bash", "zsh", "fish")


@click.command(cls=Command, short_help="Print a script for shell completion.")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print a script that completes commands, options and the names of contacts.

    \b
    bash:  eval "$(qabel completion bash)"                      in ~/.bashrc
    zsh:   eval "$(qabel completion zsh)"                       in ~/.zshrc
    fish:  qabel completion fish > ~/.config/fish/completions/qabel.fish
    """  # noqa: D301 - click keeps the lines after this character as they are
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"Unsupported shell: {shell}")
    session: Session = ctx.obj
    session.out.raw(kind(ctx.find_root().command, {}, PROGRAM, VARIABLE).source() + "\n")
