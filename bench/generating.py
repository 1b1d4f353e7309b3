"""A process that generates batches and tells its peak memory; started by the measure of memory."""

import json
import os
import re
import resource
import sys
from pathlib import Path

from core.db import Database
from core.keyfile import Keys
from core.settings import load
from staff.permissions import Actor
from vouchers.generation import generate


def main() -> None:
    """Generate the batches of the job in the argument; write the peak in bytes to stdout."""
    job = json.loads(sys.argv[1])
    settings = load(os.environ)
    db, keys = Database(settings), Keys(settings.key_file)
    try:
        for batch_id in job["batches"]:
            generate(db, keys, Actor(**job["actor"]), batch_id, job["holder_id"])
    finally:
        db.dispose()
    sys.stdout.write(str(peak_bytes()))


def peak_bytes() -> int:
    """Return the most memory this process has held; not its parent's, as getrusage would."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    found = re.search(r"VmHWM:\s*(\d+) kB", status)
    return int(found[1]) * 1024 if found else 0


if __name__ == "__main__":
    main()
