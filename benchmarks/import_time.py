"""Seconds that an import takes in a fresh process: the median of several, files already in the system's cache."""

import subprocess
import sys
from statistics import median

from _record import options, store, table

CASES = {
    "inscape": "import inscape",
    "torch": "import torch",
    "torch, then inscape": "import torch, inscape",
    "torch, then partition and its domains": "import torch; from inscape.regions import partition, Box",
}


def seconds(statement: str) -> float:
    """Time of a statement in a fresh interpreter, without the start of the interpreter itself."""
    code = f"import time; start = time.perf_counter(); {statement}; print(time.perf_counter() - start)"
    done = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True)
    return float(done.stdout)


def main() -> None:
    """Measure the cases in turn, several times."""
    chosen = options(__doc__)
    rounds = [{name: seconds(code) for name, code in CASES.items()} for _ in range(2 if chosen.quick else 9)]
    rows = [{"import": name, "seconds": round(median(r[name] for r in rounds), 4)} for name in CASES]
    store(chosen.out, "import_time", rows)
    print(table(rows))


if __name__ == "__main__":
    main()
