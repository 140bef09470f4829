"""Millions of cells in bounded memory: peak memory of a fresh process that takes the cells in blocks, or joined."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from _record import options, store, table

QUICK = [
    ("square", [24, 24, 24], 3_000, "blocks"),
    ("square", [24, 24, 24], 3_000, "joined"),
    ("conv plane", [2], 2_000, "blocks"),
]
FULL = [
    ("square", [512, 8000], 10_000_000, "blocks"),
    ("square", [512, 8000], 1_000_000, "joined"),
    ("conv plane", [4], 2_000_000, "blocks"),
    ("conv plane", [4], 2_000_000, "joined"),
]


def network(kind: str, widths: list[int]) -> str:
    """The network in words."""
    if kind == "conv plane":
        return f"conv {widths[0]}-{widths[0]} on 28×28, pooled, 32-10"
    return "-".join(map(str, (2, *widths, 1)))


def row(kind: str, widths: list[int], limit: int, how: str) -> dict[str, Any]:
    """Measure one case in a process of its own."""
    script = Path(__file__).with_name("_blocks_case.py")
    command = [sys.executable, str(script), json.dumps([kind, widths, limit, how])]
    found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return {
        "network": network(kind, widths),
        "how": how,
        "cells": f"{found['cells']:,}",
        "uncertain": f"{found['uncertain']:,}",
        "blocks": found["blocks"],
        "share of the area": f"{found['area']:.6f}",
        "seconds": f"{found['seconds']:.1f}",
        "peak MiB": f"{found['MiB']:.0f}",
        "before MiB": f"{found['before']:.0f}",
    }


def main() -> None:
    """Measure all cases."""
    chosen = options(__doc__)
    rows = [row(*case) for case in (QUICK if chosen.quick else FULL)]
    store(chosen.out, "blocks", rows)
    print(table(rows))


if __name__ == "__main__":
    main()
