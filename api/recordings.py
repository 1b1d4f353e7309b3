"""Where the recorded prompts are for those who fetch them; what is not recorded is read out.

Only a studio's recordings count here: a provider's own voice is better than the machine's clips
that come with the program.
"""

from collections.abc import Sequence
from pathlib import Path

from api.runtime import Runtime
from api.twiml import Clips
from redemption.dialogue.audio import audio_file, audio_paths
from redemption.dialogue.call_records import Said
from redemption.dialogue.words import Prompt, known_language


def clips_of(runtime: Runtime) -> Clips:
    """Return how the recordings of a prompt are found: all its clips, or none."""
    settings = runtime.settings
    base = settings.public_url.rstrip("/")
    studio = Path(settings.prompts_directory) if settings.prompts_directory else None

    def recorded(said: Said, language: str) -> Sequence[str]:
        if studio is None:
            return ()
        paths = audio_paths(Prompt(said.id, said.params), known_language(language))
        files = [
            audio_file(settings, language, path.rpartition("/")[2].removesuffix(".wav"))
            for path in paths
        ]
        if not all(file is not None and file.is_relative_to(studio) for file in files):
            return ()
        return [base + path for path in paths]

    return recorded
