"""The table that a simpler design would have: the state of every card in a row of its own."""

from bench.lab import Lab
from bench.world import World

PAST = 2_000_000
TABLE = "naive_card"
_MAKE = f"""
CREATE TABLE {TABLE} AS
SELECT v.serial, l.stage, l.holder_id, b.denomination_id, l.activated_on,
       r.serial IS NOT NULL AS used, l.hold IS NOT NULL AND r.serial IS NULL AS held
FROM lot l
JOIN voucher v ON v.serial BETWEEN l.first_serial AND l.last_serial
JOIN batch b ON b.id = v.batch_id
LEFT JOIN redemption r ON r.serial = v.serial
ORDER BY v.serial
"""  # noqa: S608 - our own name


def naive(lab: Lab) -> World:
    """Return the large world, with the naive table of its cards beside the product's tables."""
    found = lab.large(PAST)
    if lab.postgres.value(f"SELECT to_regclass('{TABLE}')", found.name) is None:
        lab.shown("large: a row for the state of every card")
        lab.postgres.run(_MAKE, found.name)
        lab.postgres.run(f"ALTER TABLE {TABLE} ADD PRIMARY KEY (serial)", found.name)
        lab.postgres.run(f"VACUUM ANALYZE {TABLE}", found.name)
    return found
