"""Prompts for an exchange's disk, and recordings from a studio."""

import wave
from pathlib import Path

import pytest

from redemption.dialogue.audio import DIRECTORY, read_manifest
from tests.cli.terminal import Terminal


def recording(path: Path, rate: int = 8000) -> None:
    """Write a short WAV as a studio delivers one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(b"\1\0" * 800)


def test_all_prompts_are_exported_the_studios_in_place_of_ours(
    sqlite_terminal: Terminal, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording(scratch / "studio/zh/welcome.wav")
    monkeypatch.setenv("WANNENG_PROMPTS_DIRECTORY", str(scratch / "studio"))
    out = scratch / "sounds"
    done = sqlite_terminal.json("prompts", "export", out)
    assert done["files"] == sum(len(clips) for clips in read_manifest().values())
    theirs = (scratch / "studio/zh/welcome.wav").read_bytes()
    assert (out / "zh/welcome.wav").read_bytes() == theirs
    assert (out / "en/menu.wav").read_bytes() == (DIRECTORY / "en/menu.wav").read_bytes()


def test_recordings_are_checked(
    sqlite_terminal: Terminal, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording(scratch / "studio/zh/welcome.wav")
    recording(scratch / "studio/en/menu.wav", rate=44100)
    monkeypatch.setenv("WANNENG_PROMPTS_DIRECTORY", str(scratch / "studio"))
    ended = sqlite_terminal("prompts", "check", "--json")
    states = {(row["language"], row["clip"]): row["state"] for row in ended.json["prompts"]}
    assert ended.code == 1
    assert states["zh", "welcome"] == "recorded"
    assert states["en", "menu"] == "unusable"
    assert states["en", "welcome"] == "spoken by machine"
    monkeypatch.setenv("WANNENG_PROMPTS_DIRECTORY", "")
    assert sqlite_terminal("prompts", "check").code == 0
