"""The `wanneng` command: its help, and how every run of it ends."""

import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from cli.app import App
from cli.command import Tree, write_block
from cli.failures import EXIT_CODES, INTERRUPTED, failure_of
from cli.tree import ENTRIES

_HELP = """Prepaid recharge cards: made, sold, redeemed exactly once, accounted for to the fen.

Settings come from the environment (`wanneng settings` lists them). Commands that change something
act as the member who is signed in (`wanneng login`); PINs, passwords and one-time codes are read
from the terminal or from stdin, never from the command line. Every command has --help with
examples, and --json for programs.
"""
_FIRST_STEPS = (
    "wanneng demo             a month of trade in cards, in var/demo",
    "wanneng init             make the database and the key file, then see what comes next",
    "wanneng doctor           look whether everything is as it should be",
    "wanneng completion bash  print the completion script for your shell",
)


class Root(Tree):
    """The top of the tree."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write where to begin, and what the exit codes mean."""
        del ctx
        write_block(formatter, "First steps", _FIRST_STEPS)
        codes = [f"{code:>3}  {meaning}" for code, meaning in EXIT_CODES.items()]
        write_block(formatter, "Exit codes", codes)


root = Root(
    "wanneng",
    ENTRIES,
    help=_HELP,
    context_settings={
        "help_option_names": ["--help", "-h"],
        "rich_help_config": {
            "max_width": 100,
            "style_helptext": "",
            "commands_before_options": True,
        },
    },
)


def run(args: Sequence[str]) -> int:
    """Run one command; return the exit code. No exception leaves it, no traceback is shown."""
    app = App()
    try:
        return _code(root.main(list(args), prog_name="wanneng", standalone_mode=False, obj=app))
    except SystemExit as ended:  # help because nothing was asked for, or a shell's completion
        return _code(ended.code)
    except BrokenPipeError:  # the reader, like `head`, has seen enough
        sys.stdout = open("/dev/null", "w", encoding="utf-8")  # noqa: PTH123, SIM115
        return INTERRUPTED
    except (Exception, KeyboardInterrupt) as error:
        failure = failure_of(error)
        failure.tell(app.out.as_json or "--json" in args)
        return failure.exit_code
    finally:
        app.close()


def _code(ended: object) -> int:
    return ended if isinstance(ended, int) else 0


def main() -> NoReturn:
    """Run the command of this process's arguments."""
    sys.exit(run(sys.argv[1:]))
