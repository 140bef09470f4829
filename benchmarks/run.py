"""Exact regions in one to six dimensions against regioncam, affinitree and plain forward passes.

The rows of ``peers/bench_*.py``: what was measured beside what is to be reached.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from _record import options, store
from rich.console import Console
from rich.table import Table

ROWS = sorted((Path(__file__).parent / "peers").glob("bench_*.py"))


def measure(smoke: bool) -> list[dict[str, Any]]:
    """Run pytest-benchmark in this process; take from its file what was measured, and leave the machine's name."""
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "raw.json"
        choices = ["-q", "-p", "no:randomly", "-p", "no:cacheprovider", f"--benchmark-json={raw}", "--benchmark-quiet"]
        code = pytest.main([*map(str, ROWS), *choices, *(["--smoke"] if smoke else [])])
        if code != 0:
            raise SystemExit(int(code))
        entries = json.loads(raw.read_text(encoding="utf-8"))["benchmarks"]
    return [{**row, "details": details} for entry in entries for row, details in rows_of(entry)]


def rows_of(entry: dict[str, Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The rows of one benchmark, the first with everything else that it noted."""
    info = entry["extra_info"]
    details = {key: value for key, value in info.items() if key != "rows"}
    return [(row, details if i == 0 else {}) for i, row in enumerate(info["rows"])]


def goal(row: dict[str, Any]) -> tuple[str, str]:
    """What is to be reached, and whether it is."""
    if row["at_least"] is not None:
        return f"≥ {row['at_least']:g}", "yes" if row["measured"] >= row["at_least"] else "no"
    if row["at_most"] is not None:
        return f"≤ {row['at_most']:g}", "yes" if row["measured"] <= row["at_most"] else "no"
    return "", ""


def show(rows: list[dict[str, Any]], smoke: bool) -> None:
    """Print the table."""
    table = Table(title="small sizes: the numbers mean nothing" if smoke else "measured beside what is to be reached")
    for heading in ("work", "measured", "unit", "reach", "reached"):
        table.add_column(heading)
    for row in rows:
        wanted, reached = goal(row)
        table.add_row(row["work"], f"{row['measured']:.3g}", row["unit"], wanted, "" if smoke else reached)
    Console(width=100).print(table)


if __name__ == "__main__":
    chosen = options(__doc__)
    measured = measure(chosen.quick)
    store(chosen.out, "partition", measured)
    show(measured, chosen.quick)
