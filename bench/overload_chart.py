"""The picture of an overload run: what was redeemed and refused, and how long it took."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PIL import Image, ImageDraw, ImageFont

_WIDTH, _HEIGHT = 1280, 720
_LEFT, _RIGHT = 90, 1_240
_PANELS = ((90, 370), (430, 660))
_REDEEMED, _REFUSED, _SLOW = "#2e7d32", "#c62828", "#1565c0"
_TEXT, _GREY = "#222222", "#999999"
_Steps = Sequence[Mapping[str, float]]


def draw(found: Mapping[str, Any], caption: str) -> Image.Image:
    """Return the chart of an overload's result."""
    image = Image.new("RGB", (_WIDTH, _HEIGHT), "white")
    pen = ImageDraw.Draw(image)
    steps: _Steps = found["timeline"]
    end = max(step["at_s"] for step in steps) + 1
    pen.text((24, 14), "Wanneng: three times the load it can bear", _TEXT, _font(24))
    pen.text((24, 48), caption, "#777777", _font(13))
    highest = max(max(s["redeemed_per_s"], s["refused_per_s"]) for s in steps) * 1.1
    slowest = max(step["p99_ms"] for step in steps) * 1.1
    for panel, top, unit in ((0, highest, "a second"), (1, slowest, "p99, ms")):
        _frame(pen, panel, top, unit)
    for name, colour in (("redeemed_per_s", _REDEEMED), ("refused_per_s", _REFUSED)):
        _line(pen, steps, name, colour, _place(0, end, highest))
    _line(pen, steps, "p99_ms", _SLOW, _place(1, end, slowest))
    for name, phase in found["phases"].items():
        x, _ = _place(0, end, highest)(phase["at_s"], 0)
        pen.line((x, _PANELS[0][0], x, _PANELS[1][1]), _GREY, 1)
        pen.text((x + 6, _PANELS[1][1] + 6), name, _TEXT, _font(14))
    best = _place(0, end, highest)(0, found["capacity_per_s"])[1]
    pen.line((_LEFT, best, _RIGHT, best), _REDEEMED, 1)
    pen.text((_RIGHT, best - 18), "best rate", _REDEEMED, _font(13), anchor="ra")
    pen.text((_LEFT + 8, _PANELS[0][0] - 20), "redeemed", _REDEEMED, _font(14))
    pen.text((_LEFT + 100, _PANELS[0][0] - 20), "refused: try later", _REFUSED, _font(14))
    return image


def _place(panel: int, end: float, top: float) -> Callable[[float, float], tuple[int, int]]:
    high, low = _PANELS[panel]

    def place(at_s: float, value: float) -> tuple[int, int]:
        x = _LEFT + (_RIGHT - _LEFT) * at_s / end
        return round(x), round(low - (low - high) * value / (top or 1))

    return place


def _frame(pen: ImageDraw.ImageDraw, panel: int, top: float, unit: str) -> None:
    high, low = _PANELS[panel]
    pen.rectangle((_LEFT, high, _RIGHT, low), outline=_GREY)
    pen.text((_LEFT - 8, high), f"{top:,.0f}", _TEXT, _font(13), anchor="ra")
    pen.text((_LEFT - 8, low - 14), "0", _TEXT, _font(13), anchor="ra")
    pen.text((_LEFT - 8, (high + low) // 2), unit, _TEXT, _font(13), anchor="ra")


def _line(
    pen: ImageDraw.ImageDraw,
    steps: _Steps,
    name: str,
    colour: str,
    place: Callable[[float, float], tuple[int, int]],
) -> None:
    points = [place(step["at_s"], step[name]) for step in steps]
    if len(points) > 1:
        pen.line(points, colour, 2)


def _font(size: int) -> Any:
    return ImageFont.load_default(size)
