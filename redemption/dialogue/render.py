"""A developer's tool: `make prompts` speaks every clip whose words changed, offline.

Needs espeak-ng and sox on the PATH, and pypinyin. Chinese goes to espeak as pinyin, since its own
reading of characters is wrong for many; numbers are written out first. The sound goes once through
the telephone's 8-bit law, which a line does to it anyway and which halves what is stored.
"""

import hashlib
import re
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

import msgspec

from redemption.dialogue.audio import DIRECTORY, MANIFEST, Clip, digest, read_manifest
from redemption.dialogue.clips import LANGUAGES, clip_texts
from redemption.dialogue.spoken_numbers import chinese_words

_RUNS = re.compile(r"[A-Za-z][A-Za-z0-9 ,.;'-]*[A-Za-z0-9.]|[^A-Za-z]+")
_ZH = re.compile(r"[\u4e00-\u9fff]")
_NUMBER = re.compile(r"\d+")
_PAUSES = str.maketrans({"，": ", ", "。": ". ", "；": "; ", "：": ", "})
_READINGS = {"重听": [["chóng"], ["tīng"]], "应为": [["yīng"], ["wéi"]]}
"""Words that pypinyin reads wrong."""

_VOICES = {"zh": ("cmn-latn-pinyin", "165"), "en": ("en-us", "165")}
_TRIM = ["silence", "1", "0.01", "0.5%", "reverse", "silence", "1", "0.01", "0.5%", "reverse"]
_PAD = ["pad", "0.02", "0.08"]
_PHONE = ["rate", "8000", "channels", "1", "gain", "-n", "-3"]


def main() -> None:
    """Speak what is new or changed, remove what is not said any more, write the manifest."""
    old = read_manifest()
    new: dict[str, dict[str, Clip]] = {}
    for language in LANGUAGES:
        directory = DIRECTORY / language
        directory.mkdir(parents=True, exist_ok=True)
        texts = clip_texts(language)
        new[language] = {
            clip: _spoken(directory / f"{clip}.wav", language, text, old[language].get(clip))
            for clip, text in sorted(texts.items())
        }
        for path in directory.glob("*.wav"):
            if path.stem not in texts:
                path.unlink()
    MANIFEST.write_bytes(msgspec.json.format(msgspec.json.encode(new), indent=1) + b"\n")
    seconds = sum(clip.seconds for clips in new.values() for clip in clips.values())
    count = sum(len(clips) for clips in new.values())
    sys.stdout.write(f"{count} clips, {seconds:.0f} seconds\n")


def _spoken(path: Path, language: str, text: str, kept: Clip | None) -> Clip:
    wanted = digest(text.encode())
    if kept is None or kept.text_sha256 != wanted or not path.exists():
        with tempfile.TemporaryDirectory() as directory:
            _speak(path, language, text, Path(directory))
    with wave.open(str(path)) as sound:
        seconds = round(sound.getnframes() / sound.getframerate(), 3)
    return Clip(text, wanted, hashlib.sha256(path.read_bytes()).hexdigest(), seconds)


def _speak(path: Path, language: str, text: str, directory: Path) -> None:
    """Speak the runs of each language with its voice, join and trim them."""
    parts: list[str] = []
    runs = [run for run in _runs(text) if re.search(r"\w", run)] if _ZH.search(text) else [text]
    for number, run in enumerate(runs):
        spoken = "zh" if _ZH.search(run) or (language == "zh" and run == text) else "en"
        voice, speed = _VOICES[spoken]
        words = _pinyin(run) if spoken == "zh" else run
        part = str(directory / f"{number}.wav")
        _run("espeak-ng", "-v", voice, "-s", speed, "-w", part, words)
        parts.append(part)
    law = str(directory / "law.wav")
    shape = ["-r", "8000", "-c", "1", "-e", "u-law", "-b", "8"]
    _run("sox", "-D", *parts, *shape, law, *_TRIM, *_PAD, *_PHONE)
    _run("sox", "-D", law, "-e", "signed-integer", "-b", "16", str(path))


def _runs(text: str) -> list[str]:
    return _RUNS.findall(text)


def _pinyin(text: str) -> str:
    """Return the syllables with their tones; the neutral one is 5."""
    from pypinyin import Style, lazy_pinyin, load_phrases_dict

    load_phrases_dict(_READINGS)
    written = _NUMBER.sub(lambda found: chinese_words(int(found[0])), text)
    syllables = lazy_pinyin(
        written.translate(_PAUSES), style=Style.TONE3, neutral_tone_with_five=True
    )
    return " ".join(syllables).replace(" ,", ",")


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


if __name__ == "__main__":
    main()
