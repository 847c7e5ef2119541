"""Speed and memory compared with other implementations, in one run.

    python -m benchmarks.speed                    # all groups of lines
    python -m benchmarks.speed linear cold_start  # some groups
    python -m benchmarks.speed characters words   # some lines
    python -m benchmarks.speed --show             # the table of earlier runs
    python -m benchmarks.speed --short news.csv.xz  # where AG News has no loader

Each line runs both sides in turn, several times, and reports the median ratio. Times
are CPU times of the process and its children, which other programs disturb less; a
line about threads or a server has wall times and says so. The file is written after
each line, and its other lines stay.
"""

import argparse
import json
import sys
import traceback
from dataclasses import asdict
from pathlib import Path

import torch

from .._record import describe_run, progress, write_json
from .._render import as_text
from .groups import GROUPS, LINES
from .networks import measure_peak_fractions
from .tables import RESULT, table
from .timing import LazyData

__all__ = ["run"]

_PEAKS = "peaks"
_CLOCK = (
    "CPU seconds of the process and its children (user and system); wall seconds in "
    "lines whose clock is 'wall'"
)


def run(keys, data, path):
    """Measure the lines and write each to the JSON file; return the keys that failed.

    Parameters
    ----------
    keys : list of str
        Keys of `LINES`, or "peaks".
    data : mapping
    path : Path
    """
    result = json.loads(path.read_text()) if path.exists() else {}
    result = {"clock": _CLOCK, "lines": {}} | result | {"clock": _CLOCK}
    failed = []
    for key in keys:
        progress(key)
        about = describe_run(1, None)
        try:
            if key == _PEAKS:
                result["shares"] = measure_peak_fractions(data) | about
            else:
                result["lines"][key] = asdict(LINES[key](data)) | about
        except Exception:
            traceback.print_exc()
            failed.append(key)
            continue
        # In the order of the groups, then lines that no group has any more.
        order = [each for each in LINES if each in result["lines"]]
        order += [each for each in result["lines"] if each not in LINES]
        result["lines"] = {each: result["lines"][each] for each in order}
        write_json(path, result)
    return failed


def main():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed", description=__doc__.partition("\n")[0]
    )
    groups = [*GROUPS, _PEAKS]
    add = parser.add_argument
    add(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"groups ({', '.join(groups)}) or lines ({', '.join(LINES)}); all groups "
        "by default",
    )
    add("--short", metavar="FILE", help="CSV file of AG News, instead of the loader")
    add("--out", type=Path, default=RESULT, help="JSON file; its other lines stay")
    add("--show", action="store_true", help="print the table of the file only")
    options = parser.parse_args()
    keys = []
    for name in options.names or groups:
        if name not in {*groups, *LINES}:
            parser.error(f"no group or line {name!r}; see --help")
        keys += GROUPS.get(name, [name])
    torch.set_num_threads(1)
    failed = [] if options.show else run(keys, LazyData(options.short), options.out)
    result = json.loads(options.out.read_text())
    rows = table(result, None if options.show else _measured(keys, result))
    notes = [against for *_, against in rows[1:]]
    if notes:
        sys.stdout.write(as_text([row[:-1] for row in rows], notes) + "\n")
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


def _measured(keys, result):
    return [key for key in keys if key in result["lines"]]


if __name__ == "__main__":
    main()
