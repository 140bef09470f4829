"""Label the suite of planted faults by training it, and write the table of its page. Run by `make faults`."""

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from inscape.results import Provenance
from inscape.testing import faults
from inscape.testing.faults._outcome import DELAY, EPOCHS, SHARE
from inscape.testing.faults._table import FILE, write_rows

SPLITS = ("design", "held-out", "confirmation")
HERE = Path(__file__).parent
TABLE = HERE / "faults_table.md"
OUTCOMES = Path(faults.__file__).parent / FILE


def label(ledger: Path) -> None:
    """Train all candidates and write the table that ships with the suite."""
    begin = time.perf_counter()
    found = faults.label_all(ledger=ledger)
    options = {"epochs": EPOCHS, "share of the reference": SHARE, "delay": DELAY, "threads": torch.get_num_threads()}
    seconds = round(time.perf_counter() - begin, 1)
    provenance = Provenance(function="inscape.testing.faults.label_all", options=options, seconds=seconds)
    write_rows(found, OUTCOMES, provenance=provenance)
    faults.rows.cache_clear()


def markdown(columns: Mapping[str, Sequence[object]]) -> str:
    """A table in Markdown."""
    rows = [list(columns), ["---"] * len(columns), *zip(*columns.values(), strict=True)]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows) + "\n"


def suite() -> str:
    """How many cases there are of each kind."""
    kinds = {name: kind for name, kind in faults.KINDS.items() if faults.cases(kind=name)}
    parts = {split: [len(faults.cases(split, name)) for name in kinds] for split in SPLITS}
    tried = [sum(case.kind == name for case in faults.candidates()) for name in kinds]
    return markdown(
        {
            "kind": [f"`{name}`" for name in kinds] + ["all"],
            "what is planted": [kind.says for kind in kinds.values()] + [""],
            "verdict": [" or ".join(f"`{cause.name}`" for cause in kind.causes) for kind in kinds.values()] + [""],
            **{split: [*counts, sum(counts)] for split, counts in parts.items()},
            "tried": [*tried, sum(tried)],
        }
    )


def scores(split: str) -> str:
    """How often each tool is right on a split, kind by kind."""
    chosen = faults.cases(split)
    tools = (faults.inscape_tool, faults.gradient_norm_tool)
    found = {tool.__name__: faults.score(tool, chosen) for tool in tools}
    tables = {name: score.table().columns for name, score in found.items()}
    first = next(iter(tables.values()))
    columns: dict[str, list[object]] = {"kind": list(first["kind"]), "cases": list(first["cases"])}
    columns |= {f"`{name}`, both right": list(table["both"]) for name, table in tables.items()}
    facts = {name: {k: v for k, v in score.facts().items() if k != "tool"} for name, score in found.items()}
    lines = [f"- `{name}`: " + "; ".join(f"{k} {v}" for k, v in said.items()) for name, said in facts.items()]
    return markdown(columns) + "\n" + "\n".join(lines) + "\n"


def main() -> None:
    """Label, unless told not to, and write the page's table."""
    torch.set_num_threads(1)
    if "--scores-only" not in sys.argv[1:]:
        label(HERE.parent / "build" / "faults.sqlite")
    judged = "".join(f"\nOn the split `{split}`:\n\n{scores(split)}" for split in SPLITS)
    TABLE.write_text(suite() + judged, encoding="utf-8")


if __name__ == "__main__":
    main()
