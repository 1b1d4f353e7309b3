"""`wanneng completion`."""

from typing import Any, cast

import rich_click as click
from click.shell_completion import get_completion_class

from cli.app import App
from cli.command import command

_HOW = {
    "bash": "# put into ~/.bashrc:  source <(wanneng completion bash)",
    "zsh": "# put into ~/.zshrc:  source <(wanneng completion zsh)",
    "fish": "# put into ~/.config/fish/completions/wanneng.fish",
}


@command(
    "completion",
    examples=[
        "source <(wanneng completion bash)",
        "wanneng completion fish > ~/.config/fish/completions/wanneng.fish",
    ],
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script for a shell.

    Commands and options are completed, without opening the database.
    """
    maker = cast(Any, get_completion_class(shell))
    # Of bash the version is looked up by running it, which the script does not need.
    made = maker(ctx.find_root().command, {}, "wanneng", "_WANNENG_COMPLETE")
    script = made.source_template % made.source_vars()
    ctx.ensure_object(App).out.result(
        {"shell": shell, "script": script}, f"{_HOW[shell]}\n{script}"
    )
