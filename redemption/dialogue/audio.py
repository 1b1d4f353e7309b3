"""The recorded clips: those that come with the program, and the studio's that replace them."""

import hashlib
from functools import lru_cache
from pathlib import Path

import msgspec
from msgspec import Struct

from core.settings import Settings
from redemption.dialogue.clips import LANGUAGES, clips_of
from redemption.dialogue.words import Lang, Prompt

DIRECTORY = Path(__file__).resolve().parents[1] / "prompts"
MANIFEST = DIRECTORY / "manifest.json"


class Clip(Struct, frozen=True):
    """One clip of the manifest: its words, their digest, the audio's digest and length."""

    text: str
    text_sha256: str
    audio_sha256: str
    seconds: float


def read_manifest() -> dict[str, dict[str, Clip]]:
    """Return the clips that come with the program, by language and id."""
    if not MANIFEST.exists():
        return {language: {} for language in LANGUAGES}
    return msgspec.json.decode(MANIFEST.read_bytes(), type=dict[str, dict[str, Clip]])


def digest(content: bytes) -> str:
    """Return the digest that the manifest holds."""
    return hashlib.sha256(content).hexdigest()


def audio_file(settings: Settings, language: str, clip: str) -> Path | None:
    """Return the file of a clip, the studio's where there is one; None for what is no clip."""
    if clip not in _clips().get(language, ()):
        return None
    studio = settings.prompts_directory
    if studio:
        recorded = Path(studio) / language / f"{clip}.wav"
        if recorded.is_file():
            return recorded
    return DIRECTORY / language / f"{clip}.wav"


def audio_paths(prompt: Prompt, language: Lang) -> list[str]:
    """Return where the clips of a prompt are served, in order."""
    return [f"/prompts/{language}/{clip}.wav" for clip in clips_of(prompt, language)]


@lru_cache
def _clips() -> dict[str, frozenset[str]]:
    return {language: frozenset(clips) for language, clips in read_manifest().items()}
