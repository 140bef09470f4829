"""What is feasible: cells, time and peak memory of exact partitions, each in a fresh process with compiled kernels."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from _record import environment, options, store, table

TABLE = Path("docs/feasible_table.md")
LIMIT = 1_000_000
WORDS = {
    "interval": "1, input space",
    "segment": "1, segment through 28×28 inputs",
    "square": "2, input space",
    "plane": "2, plane through 28×28 inputs",
    "conv plane": "2, plane through 28×28 inputs",
}
QUICK = [("interval", 16, 2), ("square", 16, 2), ("plane", 8, 1)]
FULL = [
    ("interval", 1024, 4),
    ("segment", 512, 4),
    ("square", 64, 3),
    ("square", 256, 3),
    ("square", 1024, 1),
    ("square", 512, 3),
    ("plane", 64, 3),
    ("plane", 256, 3),
    ("conv plane", 2, 0),
    ("conv plane", 3, 0),
]


def network(kind: str, width: int, depth: int) -> str:
    """The network in words."""
    return f"conv {width}-{width}, pooled, 32-10" if kind == "conv plane" else f"{depth} × {width} ReLU"


def row(kind: str, width: int, depth: int) -> dict[str, Any]:
    """Measure one case in a process of its own."""
    script = Path(__file__).with_name("_feasible_case.py")
    command = [sys.executable, str(script), json.dumps([kind, width, depth, LIMIT])]
    found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return {
        "dimension": WORDS[kind],
        "network": network(kind, width, depth),
        "units": found["units"],
        "cells": f"{found['cells']:,}",
        "seconds": f"{found['seconds']:.2f}",
        "MiB": f"{found['MiB']:.0f}",
        "status": found["status"],
    }


def main() -> None:
    """Measure all cases; the full run also writes the table of the documentation."""
    chosen = options(__doc__)
    rows = [row(*case) for case in (QUICK if chosen.quick else FULL)]
    store(chosen.out, "feasible", rows)
    print(table(rows))
    if not chosen.quick:
        place = environment()
        note = (
            f"Measured on {place['processor']}, {place['cores']} cores, torch {place['torch']}, memory beside torch.\n"
        )
        TABLE.write_text(f"{table(rows)}\n{note}", encoding="utf-8")


if __name__ == "__main__":
    main()
