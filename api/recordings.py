"""Where the recorded prompts are for those who fetch them; what is not recorded is read out."""

from collections.abc import Sequence

from api.runtime import Runtime
from api.twiml import Clips
from redemption.dialogue.call_records import Said


def clips_of(_runtime: Runtime) -> Clips:
    """Return how the recordings of a prompt are found."""

    def none(_said: Said, _language: str) -> Sequence[str]:
        return ()

    return none
