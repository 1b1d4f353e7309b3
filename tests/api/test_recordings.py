"""A studio's recordings are played; without them the provider reads out."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.recordings import clips_of
from core.settings import Settings
from redemption.dialogue.call_records import Said
from redemption.dialogue.clips import LANGUAGES
from redemption.dialogue.clips import clips_of as ids_of
from redemption.dialogue.words import Prompt


class OnlySettings:
    """As much of a process as is looked at."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings


DONE: dict[str, Any] = {"face_fen": 5_000, "balance_fen": 1_790, "receipt": "25061100000123"}


def test_a_prompt_is_played_only_where_all_of_it_is_recorded(scratch: Path) -> None:
    settings = Settings(public_url="https://our.example/", prompts_directory=str(scratch))
    found: Any = clips_of(OnlySettings(settings))  # type: ignore[arg-type]
    ids = ids_of(Prompt("done", DONE), "zh")
    (scratch / "zh").mkdir()
    for clip in ids[:-1]:
        (scratch / "zh" / f"{clip}.wav").write_bytes(b"RIFF")
    missing = scratch / "zh" / f"{ids[-1]}.wav"
    missing.unlink(missing_ok=True)
    assert found(Said("done", DONE, ""), "zh") == ()
    missing.write_bytes(b"RIFF")
    played = found(Said("done", DONE, ""), "zh")
    assert played == [f"https://our.example/prompts/zh/{clip}.wav" for clip in ids]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_machines_clips_are_not_played(language: str) -> None:
    found: Any = clips_of(OnlySettings(replace(Settings())))  # type: ignore[arg-type]
    assert found(Said("done", DONE, ""), language) == ()
