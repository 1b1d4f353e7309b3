"""`wanneng printer specimen`."""

from pathlib import Path

import rich_click as click

from cli.app import App
from cli.command import command, pass_app
from core.errors import InvalidInput
from core.files import write_new
from vouchers.pins import draw
from vouchers.print_file import page_url, qr_text
from vouchers.qr import qr_png, qr_svg

_DRAWN = {".png": qr_png, ".svg": qr_svg}


@command(
    "specimen",
    examples=["wanneng printer specimen specimen.svg", "wanneng printer specimen specimen.png"],
)
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
@pass_app
def specimen(app: App, path: Path) -> None:
    """Draw the QR of a specimen card, for proofs.

    As SVG or PNG, of the size and density that all cards have. Its PIN is drawn for this picture
    alone and belongs to no card; the printer reads the text of the real ones from the print file.
    """
    draw_qr = _DRAWN.get(path.suffix.lower())
    if draw_qr is None:
        raise InvalidInput("the picture must be named .svg or .png")
    url = page_url(app.settings.public_url)
    try:
        write_new(path, draw_qr(qr_text(url, draw())))
    except FileExistsError:
        raise InvalidInput("there is a file of this name already") from None
    app.out.result({"path": str(path), "page": url}, f"{path}: a specimen that opens {url}")
