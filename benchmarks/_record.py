"""What every benchmark script shares: its options, its environment and its file."""

import argparse
import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = ("inscape", "torch", "numpy", "numba", "joblib", "distributed", "matplotlib", "regioncam", "affinitree")


def options(description: str) -> argparse.Namespace:
    """The two options of every script: ``--quick`` and ``-o FOLDER``."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", "--smoke", action="store_true", help="small sizes, one repetition")
    parser.add_argument("-o", "--out", type=Path, default=Path("benchmarks/results"), help="folder of the JSON file")
    return parser.parse_args()


def processor() -> str:
    """Name of the processor, as Linux gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def environment() -> dict[str, Any]:
    """Versions, processor and cores."""
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
        "processor": processor(),
        "cores": os.cpu_count(),
        "system": platform.system(),
    }


def store(folder: Path, name: str, rows: list[dict[str, Any]]) -> Path:
    """Write the rows with their environment."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"environment": environment(), "rows": rows}, indent=2) + "\n", encoding="utf-8")
    return path


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as a Markdown table."""
    names = list(rows[0])
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    return "\n".join(lines + ["| " + " | ".join(str(row[name]) for name in names) + " |" for row in rows]) + "\n"
