"""The end of the demo: what the reader finds in its directory, and what to try next."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from cli.app import sign_in_path
from cli.demo.making import MadeBatch
from cli.demo.people import People, sign_in_again
from cli.demo.stage import Stage
from cli.sign_in_file import write_private


def leave(stage: Stage, people: People, batches: Sequence[MadeBatch]) -> None:
    """Write what `wanneng demo serve` and `wanneng demo card` need, and say what to try."""
    world = stage.world
    lines = [f"export {name}={value}" for name, value in world.variables.items()]
    write_private(world.environment_file, "\n".join(lines))
    token = sign_in_again(stage.db, stage.keys.get(), people.admin_seat)
    write_private(sign_in_path(world.settings), token)
    world.remember({"batches": [batch.batch_id for batch in batches]})
    stage.screen.title("\nDone. Try next:")
    stage.screen.lines(_NEXT_STEPS.format(program=_program(), directory=world.directory))


_NEXT_STEPS = """\
{program} demo serve        # in a second terminal: this world, at http://127.0.0.1:8000
{program} demo card | curl -sS http://127.0.0.1:8000/api/v1/redemptions --data @- \\
  -H "Authorization: Bearer $(cat {directory}/partner.key)" \\
  -H "Idempotency-Key: try-$(date +%s)" -H "Content-Type: application/json"
{program} simulate call --key-file {directory}/channel.key     # a telephone in this terminal
(. {directory}/env; {program} report inventory)     # signed in as 甲, for 12 hours
make run                            # an empty system of your own"""


def _program() -> str:
    """Return how this program is called from here."""
    if shutil.which("wanneng"):
        return "wanneng"
    beside = Path(sys.executable).with_name("wanneng")
    here = Path.cwd()
    return str(beside.relative_to(here) if beside.is_relative_to(here) else beside)
