"""`python -m tests.benchmarks [NAME ...] [--threads 1000,10000,100000] [--dir DIR] [--keep]`."""

from __future__ import annotations

import importlib
import shutil
import sys
import time

from tests.benchmarks.measure import options, show

NAMES = ("list", "refresh", "notice", "row", "decide", "resume", "paint", "large")


def main() -> int:
    parser, read = options()
    parser.add_argument("names", metavar="NAME", nargs="*", help=f"of {', '.join(NAMES)}")
    given = parser.parse_args()
    if unknown := set(given.names) - set(NAMES):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    chosen = read(given)
    try:
        for name in given.names or NAMES:
            began = time.monotonic()
            benchmark = importlib.import_module(f"tests.benchmarks.bench_{name}")
            lines = benchmark.run(chosen)
            show(f"{name} ({time.monotonic() - began:.0f} s)", lines)
    finally:
        if not given.keep:
            shutil.rmtree(chosen.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
