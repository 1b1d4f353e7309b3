"""A prompt as a row of recorded clips: its fixed words, and digits, sums and times made of clips.

Pure. Each piece of text between two parameters is one clip, named after the prompt that has it
first; numbers are put together from the clips of `NUMBERS`. A name is never spoken.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from redemption.dialogue.catalogue_en import PROMPTS as PROMPTS_EN
from redemption.dialogue.catalogue_zh import PROMPTS as PROMPTS_ZH
from redemption.dialogue.spoken_numbers import (
    NUMBERS,
    amount_clips,
    digit_clips,
    length_clips,
    number_clips,
    time_clips,
)
from redemption.dialogue.words import Lang, Prompt

LANGUAGES: tuple[Lang, Lang] = ("zh", "en")

_PROMPTS = {"zh": PROMPTS_ZH, "en": PROMPTS_EN}
# Whoever recorded the prompts did not know the customers' names.
_UNSPOKEN = re.compile(r"[，,] ?(?:户名|name )\{name\}")
_PARAMETER = re.compile(r"\{(\w+)\}")
_AT_EDGES = " ，。；：、,.;:"
_HEARD = re.compile(r"\w")

_SPEAKERS: dict[str, Callable[[str, Lang], list[str]]] = {
    "tail": digit_clips,
    "account": digit_clips,
    "receipt": digit_clips,
    "hotline": digit_clips,
    "tries": number_clips,
    "lengths": length_clips,
    "at": time_clips,
    "until": time_clips,
}


@dataclass(frozen=True, slots=True)
class _Piece:
    """A clip of fixed words, or the name of a parameter that stands in this place."""

    clip: str | None
    parameter: str | None = None


def clips_of(prompt: Prompt, language: Lang) -> list[str]:
    """Return the ids of the clips that say a prompt, in order."""
    clips: list[str] = []
    for piece in _catalogue(language)[0][prompt.id]:
        if piece.clip is not None:
            clips.append(piece.clip)
        elif piece.parameter is not None:
            clips += _spoken(piece.parameter, prompt.params[piece.parameter], language)
    return clips


def clip_texts(language: Lang) -> dict[str, str]:
    """Return every clip of a language with the words that are heard in it."""
    return {**_catalogue(language)[1], **NUMBERS[language]}


def _spoken(name: str, value: str | int, language: Lang) -> list[str]:
    if name.endswith("_fen"):
        return amount_clips(int(value), language)
    return _SPEAKERS[name](str(value), language)


@lru_cache
def _catalogue(language: Lang) -> tuple[dict[str, Sequence[_Piece]], dict[str, str]]:
    """Return each prompt's pieces, and each clip's words; the same words are one clip."""
    pieces: dict[str, Sequence[_Piece]] = {}
    clips: dict[str, str] = {}
    for prompt_id, text in _PROMPTS[language].items():
        pieces[prompt_id] = _cut(prompt_id, text, clips)
    return pieces, {clip: words for words, clip in clips.items()}


def _cut(prompt_id: str, text: str, clips: dict[str, str]) -> Sequence[_Piece]:
    """Cut a text at its parameters; `clips` holds the clip of all words so far, and grows."""
    pieces: list[_Piece] = []
    parts = _PARAMETER.split(_UNSPOKEN.sub("", text))
    for place, part in enumerate(parts):
        if place % 2:
            pieces.append(_Piece(None, part))
            continue
        words = part.strip(" ").lstrip(_AT_EDGES)
        if _HEARD.search(words):
            name = prompt_id if len(parts) == 1 else f"{prompt_id}-{place // 2 + 1}"
            pieces.append(_Piece(clips.setdefault(words, name)))
    return pieces
