"""`wanneng prompts export` and `check`: the recorded prompts, for a telephone exchange."""

import shutil
import wave
from pathlib import Path

import rich_click as click

from cli.app import App
from cli.command import command, pass_app
from cli.failures import REFUSED, end
from cli.output import table
from core.settings import Settings
from redemption.dialogue.audio import audio_file, read_manifest

_FORM = (1, 2, 8000)
"""Channels, bytes a sample, samples a second."""


@command(
    "export",
    examples=[
        "wanneng prompts export /tmp/wanneng",
        "rsync -a /tmp/wanneng/ pbx:/var/lib/asterisk/sounds/wanneng/",
    ],
)
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@pass_app
def export(app: App, directory: Path) -> None:
    """Write all prompts into a directory, as DIRECTORY/zh/….wav and en/….wav.

    Asterisk plays them from its own disk: bring them to its sounds directory. Studio recordings of
    WANNENG_PROMPTS_DIRECTORY take the place of the program's own.
    """
    count = 0
    for language, clips in read_manifest().items():
        (directory / language).mkdir(parents=True, exist_ok=True)
        for clip in clips:
            path = _file(app.settings, language, clip)
            shutil.copyfile(path, directory / language / f"{clip}.wav")
            count += 1
    app.out.result(
        {"directory": str(directory), "files": count}, f"{count} prompts written to {directory}"
    )


@command("check", examples=["wanneng prompts check", "wanneng prompts check --json"])
@pass_app
def check(app: App) -> None:
    """Check the studio's recordings, and list the words that still need one.

    A recording must be a WAV of 8 kHz, mono, 16 bits. Exit code 1 where one is not.
    """
    rows = [
        {
            "language": language,
            "clip": clip,
            "words": said.text,
            "state": _state(app.settings, language, clip),
        }
        for language, clips in read_manifest().items()
        for clip, said in clips.items()
    ]
    shown = [(row["language"], row["clip"], row["state"], row["words"]) for row in rows]
    app.out.result({"prompts": rows}, table(["language", "clip", "state", "words"], shown))
    if any(row["state"] == "unusable" for row in rows):
        end(REFUSED)


def _file(settings: Settings, language: str, clip: str) -> Path:
    path = audio_file(settings, language, clip)
    if path is None:
        raise AssertionError("the manifest names no clip that is none")
    return path


def _state(settings: Settings, language: str, clip: str) -> str:
    path = _file(settings, language, clip)
    if not settings.prompts_directory or not path.is_relative_to(settings.prompts_directory):
        return "spoken by machine"
    return "recorded" if _is_usable(path) else "unusable"


def _is_usable(path: Path) -> bool:
    try:
        with wave.open(str(path)) as sound:
            return (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == _FORM
    except (wave.Error, EOFError):
        return False
