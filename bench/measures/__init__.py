"""All measures, in the order in which they run; those of a group share rounds and sides."""

from bench.errors import CannotMeasure
from bench.measure import Measure
from bench.measures import (
    activate,
    cold_start,
    generate,
    inventory,
    latency,
    lists,
    memory,
    redeem,
    size,
)

GROUPS: tuple[tuple[Measure, ...], ...] = (
    cold_start.MEASURES,
    lists.MEASURES,
    (*generate.MEASURES, *size.MEASURES),
    memory.MEASURES,
    inventory.MEASURES,
    activate.MEASURES,
    redeem.MEASURES,
    latency.MEASURES,
)
CODES = tuple(
    sorted(
        {measure.code for group in GROUPS for measure in group},
        key=lambda code: (int(code.split("-")[0][1:]), code),
    )
)
_NEEDS = {"S3": ("S1",)}


def chosen(codes: tuple[str, ...]) -> list[list[Measure]]:
    """Return the groups with only these measures (none named: all), and what they need.

    `S12` also means `S12-help`. Raises CannotMeasure for a code that is not there.
    """
    wanted = {code.upper().replace("HELP", "help") for code in codes} or set(CODES)
    unknown = wanted - set(CODES)
    if unknown:
        raise CannotMeasure(f"the measures are {', '.join(CODES)}; not {', '.join(unknown)}")
    wanted |= {code for code in CODES if code.split("-")[0] in wanted}
    wanted |= {need for code in wanted for need in _NEEDS.get(code, ())}
    groups = [[measure for measure in group if measure.code in wanted] for group in GROUPS]
    return [group for group in groups if group]
