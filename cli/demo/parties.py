"""The parties of the demo: three provinces, a city in each, twelve outlets, three sale models."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from core.db import Session
from distribution.commissions import Rate
from distribution.contracts import set_contract
from distribution.parties import add_party
from staff.permissions import Actor

FACES = (5_000, 10_000, 20_000)
_BY_FACE = {5_000: 50, 10_000: 100, 20_000: 200}
_TIER_AFTER, _TIER_FEN = 100, 75


@dataclass(frozen=True)
class Region:
    """A province with its city and its four outlets; the city owes by `sale_model`."""

    province: tuple[str, str, str]
    city: tuple[str, str, str]
    outlets: tuple[tuple[str, str, str], ...]
    sale_model: str
    limit_fen: int

    @property
    def outlet_codes(self) -> tuple[str, ...]:
        """The outlets' codes."""
        return tuple(code for code, _, _ in self.outlets)


HUBEI = Region(
    ("HB", "湖北演示总代", "42"),
    ("WH", "武汉演示经销", "4201"),
    (
        ("WH-1", "街角演示超市", "420106"),
        ("WH-2", "江汉演示便利店", "420103"),
        ("WH-3", "武昌演示书店", "420106"),
        ("WH-4", "洪山演示数码", "420111"),
    ),
    "credit",
    5_000_000,
)
HUNAN = Region(
    ("HN", "湖南演示总代", "43"),
    ("CS", "长沙演示经销", "4301"),
    (
        ("CS-1", "岳麓演示超市", "430104"),
        ("CS-2", "芙蓉演示烟酒", "430102"),
        ("CS-3", "天心演示便利店", "430103"),
        ("CS-4", "雨花演示商店", "430111"),
    ),
    "prepaid",
    0,
)
JIANGXI = Region(
    ("JX", "江西演示总代", "36"),
    ("NC", "南昌演示经销", "3601"),
    (
        ("NC-1", "东湖演示超市", "360102"),
        ("NC-2", "西湖演示书报亭", "360103"),
        ("NC-3", "青山湖演示小店", "360111"),
        ("NC-4", "新建演示超市", "360112"),
    ),
    "consignment",
    8_000_000,
)
REGIONS = (HUBEI, HUNAN, JIANGXI)
OWN_CONTRACT = "WH-1"
"""An outlet that owes for itself, with a commission that rises with its sales."""


def add_parties(session: Session, admin: Actor) -> None:
    """Write the tree and its contracts."""
    for region in REGIONS:
        for kind, parent, rows in _rows(region):
            for code, name, where in rows:
                add_party(session, admin, kind, code, name, parent, where)
        city = region.city[0]
        set_contract(session, admin, city, region.sale_model, region.limit_fen, _BY_FACE)
    set_contract(session, admin, OWN_CONTRACT, "credit", 3_000_000, rates=_tiers(session))


def _rows(region: Region) -> Iterator[tuple[str, str, Iterable[tuple[str, str, str]]]]:
    yield "province", "WAREHOUSE", [region.province]
    yield "city", region.province[0], [region.city]
    yield "outlet", region.city[0], region.outlets


def _tiers(session: Session) -> list[Rate]:
    rates = [
        Rate(face_fen=face, effective_from=session.today, commission_fen=fen)
        for face, fen in _BY_FACE.items()
    ]
    more = Rate(
        face_fen=FACES[0],
        effective_from=session.today,
        after_cards=_TIER_AFTER,
        commission_fen=_TIER_FEN,
    )
    return [*rates, more]
