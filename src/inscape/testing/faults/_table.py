"""The table of outcomes that ships with the suite: what training showed for every candidate."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from inscape._errors import FileFormatError
from inscape.results import Provenance

FORMAT = "inscape-fault-outcomes"
FILE = "outcomes.json"


@dataclass(frozen=True, kw_only=True)
class Row:
    """The evidence for the label of one candidate.

    Attributes:
        key: the case's key.
        kind: its kind.
        split: its split.
        accuracy: best test accuracy after an epoch.
        epochs: epochs until 95 % of the reference accuracy, None if 30 were not enough.
        reference: best test accuracy of the standard recipes for this size.
        still: layers whose weights no step has changed.
        start: loss on the case's data before training; None where batch statistics make it undefined.
        twin_accuracy: best test accuracy of the healthy twin.
        twin_epochs: epochs that the healthy twin needed, None if 30 were not enough.
        borne_out: whether this bears out the label.
    """

    key: str
    kind: str
    split: str
    accuracy: float
    epochs: float | None
    reference: float
    still: int
    start: float | None
    twin_accuracy: float
    twin_epochs: float | None
    borne_out: bool


@cache
def rows() -> Mapping[str, Row]:
    """The shipped table.

    Returns:
        Key of a case → its row.
    """
    return MappingProxyType({row.key: row for row in read_rows(str(files("inscape.testing.faults") / FILE))})


def read_rows(path: str | Path) -> tuple[Row, ...]:
    """Read a table of outcomes.

    Args:
        path: what :func:`write_rows` wrote.

    Returns:
        The rows.

    Raises:
        FileFormatError: if the file is no such table.
    """
    try:
        content: Any = json.loads(Path(path).read_text(encoding="utf-8"))
        found = tuple(Row(**row) for row in content["rows"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FileFormatError(f"{path} is no table of outcomes ({error!r}); write it anew with label_all") from error
    if content.get("format") != FORMAT:
        raise FileFormatError(f"{path} has the format {content.get('format')!r}, expected {FORMAT!r}")
    return found


def write_rows(found: Iterable[Row], path: str | Path, *, provenance: Provenance) -> None:
    """Write a table of outcomes, one row a line.

    Args:
        found: the rows.
        path: the target.
        provenance: how they were found.
    """
    lines = ",\n".join(json.dumps(asdict(row)) for row in found)
    head = json.dumps({"format": FORMAT, "provenance": asdict(provenance)}, indent=1)
    Path(path).write_text(f'{head[:-2]},\n "rows": [\n{lines}\n]}}\n', encoding="utf-8")
