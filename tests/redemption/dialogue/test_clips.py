"""Prompts as rows of clips: every prompt can be said, numbers as people say them."""

import re
import wave
from pathlib import Path

import pytest

from core.settings import Settings
from redemption.dialogue.audio import (
    DIRECTORY,
    audio_file,
    audio_paths,
    digest,
    read_manifest,
)
from redemption.dialogue.catalogue_en import PROMPTS as EN
from redemption.dialogue.catalogue_zh import PROMPTS as ZH
from redemption.dialogue.clips import LANGUAGES, clip_texts, clips_of
from redemption.dialogue.spoken_numbers import amount_clips, chinese_words, digit_clips, time_clips
from redemption.dialogue.words import Lang, Prompt

TOO_MANY_BYTES = 10_000_000
EXAMPLES: dict[str, str | int] = {
    "tail": "4567", "account": "001 234 4567", "receipt": "25061100000123", "hotline": "95598",
    "tries": 4, "lengths": "10/13", "at": "06-11 09:30", "until": "2026-12-31 24:00",
    "name": "**明", "face_fen": 5_000, "balance_fen": 1_790, "arrears_fen": 3_210,
    "late_fee_fen": 100,
}  # fmt: skip


def heard(prompt: Prompt, language: Lang) -> str:
    """Return the words of the clips of a prompt, one after the other."""
    texts = clip_texts(language)
    joiner = "" if language == "zh" else " "
    return joiner.join(texts[clip] for clip in clips_of(prompt, language))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("prompt_id", ZH)
def test_every_prompt_can_be_said(prompt_id: str, language: Lang) -> None:
    names = re.findall(r"\{(\w+)\}", (ZH if language == "zh" else EN)[prompt_id])
    clips = clips_of(Prompt(prompt_id, {name: EXAMPLES[name] for name in names}), language)
    assert clips
    assert set(clips) <= set(clip_texts(language))


def test_a_prompt_with_sums_and_digits_is_said_whole() -> None:
    said: dict[str, str | int] = {
        "face_fen": 5_000,
        "balance_fen": 1_790,
        "receipt": "25061100000123",
    }
    assert heard(Prompt("done", {**said, "balance_fen": 1_790}), "zh") == (
        "已充值五十元，余额十七点九零元。流水号二五零六幺幺零零零零零幺二三"
    )
    assert heard(Prompt("done", {**said, "balance_fen": 1_790}), "en") == (
        "fifty yuan added, balance seventeen point nine zero Reference "
        "two five zero six one one zero zero zero zero zero one two three"
    )


def test_a_name_is_never_said() -> None:
    facts: dict[str, str | int] = {"account": "001 234 4567", "name": "**明"}
    assert "户名" not in heard(Prompt("account_confirm_clear", facts), "zh")
    assert "name" not in heard(Prompt("account_confirm_clear", facts), "en")
    assert all("户名" not in text for text in clip_texts("zh").values())


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "零"), (7, "七"), (10, "十"), (18, "十八"), (20, "二十"), (24, "二十四"),
        (101, "一百零一"), (110, "一百一十"), (1005, "一千零五"), (1050, "一千零五十"),
        (10_000, "一万"), (10_100, "一万零一百"), (101_000, "十万一千"), (1_000_001, "一百万零一"),
        (200_000_005, "二亿零五"),
    ],
)  # fmt: skip
def test_chinese_counts(number: int, words: str) -> None:
    assert chinese_words(number) == words


@pytest.mark.parametrize(
    ("fen", "words"),
    [
        (100, "one"), (2_000, "twenty"), (11_500, "one hundred fifteen"),
        (123_456, "one thousand two hundred thirty four point five six"),
        (100_000_000_00, "one hundred million"), (5, "zero point zero five"),
    ],
)  # fmt: skip
def test_english_sums(fen: int, words: str) -> None:
    texts = clip_texts("en")
    assert " ".join(texts[clip] for clip in amount_clips(fen, "en")) == words


def test_times_and_digits() -> None:
    zh, en = clip_texts("zh"), clip_texts("en")
    assert "".join(zh[c] for c in time_clips("06-11 09:30", "zh")) == "六月十一日九点三十分"
    assert "".join(zh[c] for c in time_clips("2026-01-02 00:05", "zh")) == (
        "二零二六年一月二日零点五分"
    )
    assert " ".join(en[c] for c in time_clips("06-11 09:05", "en")) == "June eleven nine zero five"
    assert time_clips("", "zh") == []
    assert digit_clips("95 5-98", "en") == ["n-9", "n-5", "n-5", "n-9", "n-8"]


# -- the audio that comes with the program


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_audio_says_the_words_of_now(language: Lang) -> None:
    """Where this fails a text was changed: `make prompts` speaks it, then commit both."""
    spoken = {clip: said.text_sha256 for clip, said in read_manifest()[language].items()}
    assert spoken == {clip: digest(t.encode()) for clip, t in clip_texts(language).items()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_clip_has_its_file_as_the_manifest_tells(language: Lang) -> None:
    manifest = read_manifest()[language]
    files = {path.stem: path for path in (DIRECTORY / language).iterdir()}
    assert set(files) == set(manifest)
    for clip, said in manifest.items():
        assert digest(files[clip].read_bytes()) == said.audio_sha256, clip
        with wave.open(str(files[clip])) as sound:
            form = (sound.getnchannels(), sound.getsampwidth(), sound.getframerate())
            assert form == (1, 2, 8000), clip
            assert 0.1 < sound.getnframes() / 8000 < 20, clip
            assert round(sound.getnframes() / 8000, 3) == said.seconds
            assert any(sound.readframes(sound.getnframes())), f"{clip} is silent"


def test_the_audio_stays_small() -> None:
    assert sum(path.stat().st_size for path in DIRECTORY.rglob("*.wav")) < TOO_MANY_BYTES


def test_a_studio_recording_replaces_one_file(scratch: Path) -> None:
    studio = scratch / "studio"
    (studio / "zh").mkdir(parents=True)
    (studio / "zh" / "welcome.wav").write_bytes(b"RIFF")
    settings = Settings(prompts_directory=str(studio))
    assert audio_file(settings, "zh", "welcome") == studio / "zh" / "welcome.wav"
    assert audio_file(settings, "zh", "menu") == DIRECTORY / "zh" / "menu.wav"
    assert audio_file(settings, "zh", "../../manifest") is None
    assert audio_file(settings, "fr", "menu") is None
    assert audio_paths(Prompt("welcome"), "zh") == ["/prompts/zh/welcome.wav"]
