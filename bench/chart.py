"""The picture of a run: how far each measure is on its way from the floor to the goal."""

import math
from collections.abc import Mapping
from typing import Any

from PIL import Image, ImageDraw, ImageFont

_WIDTH, _ROW, _TOP, _BOTTOM = 1280, 44, 96, 70
_LEFT, _RIGHT = 560, 1_080
_COLOURS = {"goal": "#2e7d32", "floor": "#ef8f00", "missed": "#c62828"}
_TEXT, _GREY, _LINE = "#222222", "#777777", "#444444"
_FARTHEST = 4.0
"""Bars end here: so many times better, or worse, than promised."""
_MEANING = {
    "goal": "goal reached",
    "floor": "between floor and goal",
    "missed": "below the floor",
}


def draw(measures: Mapping[str, Any], caption: str) -> Image.Image:
    """Return the chart: one bar for each measure, against its goal (its floor where it has none).

    Every bar is "times as good as the goal" on one logarithmic scale, whichever way is better.
    """
    height = _TOP + _ROW * len(measures) + _BOTTOM
    image = Image.new("RGB", (_WIDTH, height), "white")
    pen = ImageDraw.Draw(image)
    pen.text((24, 18), "Wanneng: measured against what is promised", _TEXT, _font(24))
    pen.text((24, 52), caption, _GREY, _font(13))
    bottom = _TOP + _ROW * len(measures)
    for times in (0.25, 0.5, 1.0, 2.0, 4.0):
        x = _place(times)
        pen.line(
            (x, _TOP - 6, x, bottom), _LINE if times == 1 else "#dddddd", 2 if times == 1 else 1
        )
        label = "goal" if times == 1 else f"{times:g} x"
        pen.text((x, bottom + 4), label, _GREY, _font(13), anchor="ma")
    for row, (code, result) in enumerate(measures.items()):
        _bar(pen, _TOP + row * _ROW, code, result)
    _legend(pen, bottom + 34)
    return image


def goodness(result: Mapping[str, Any], value: float) -> float:
    """Return how many times as good as the goal a value is; above 1 is better."""
    promised = result["floor"] if result["goal"] is None else result["goal"]
    if value <= 0 or promised <= 0:
        return 1 / _FARTHEST
    return float(promised / value if result["lower_is_better"] else value / promised)


def _bar(pen: ImageDraw.ImageDraw, y: int, code: str, result: Mapping[str, Any]) -> None:
    colour = _COLOURS[result["verdict"]]
    x, one = _place(goodness(result, result["value"])), _place(1.0)
    pen.text((24, y + 5), code, _TEXT, _font(15))
    pen.text((110, y + 6), result["title"], _TEXT, _font(12))
    pen.rectangle((min(x, one), y + 8, max(x, one, min(x, one) + 2), y + 26), colour)
    low, high = sorted(_place(goodness(result, value)) for value in result["value_range"])
    pen.line((low, y + 17, high, y + 17), "black", 1)
    for end in (low, high):
        pen.line((end, y + 12, end, y + 22), "black", 1)
    floor = _place(goodness(result, result["floor"]))
    pen.line((floor, y + 2, floor, y + 32), "black", 3)
    pen.text((_RIGHT + 24, y + 6), f"{result['value']:.4g}", colour, _font(15))
    goal = "-" if result["goal"] is None else f"{result['goal']:g}"
    held = f"floor {result['floor']:g}, goal {goal}"
    pen.text((_RIGHT + 24, y + 24), held, _GREY, _font(11))


def _legend(pen: ImageDraw.ImageDraw, y: int) -> None:
    x = 24
    for verdict, meaning in _MEANING.items():
        pen.rectangle((x, y + 2, x + 14, y + 16), _COLOURS[verdict])
        pen.text((x + 22, y), meaning, _TEXT, _font(13))
        x += 200
    note = "thick mark: floor; thin: range over the rounds; bars to the right are better"
    pen.text((x, y), note, _GREY, _font(13))


def _place(times: float) -> int:
    held = min(_FARTHEST, max(1 / _FARTHEST, times))
    share = (math.log(held) + math.log(_FARTHEST)) / (2 * math.log(_FARTHEST))
    return round(_LEFT + share * (_RIGHT - _LEFT))


def _font(size: int) -> Any:
    return ImageFont.load_default(size)
