"""Cells as files for other programs: a table, a graph, half-spaces."""

import csv
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from inscape._errors import InputError, InputTypeError, OutputError
from inscape.geometry import half_spaces
from inscape.regions._boundary import Boundary
from inscape.regions._cell import origin
from inscape.regions._partition import Partition


def export(result: Partition | Boundary, path: str | Path) -> Path:
    """Write the cells of a partition, or the pieces of a boundary, for other programs.

    ========== =========================================================================================
    ending     content
    ========== =========================================================================================
    .csv       the table of ``result.columns()``: one row for each cell, or each piece of the boundary
    .graphml   the dual graph of a partition: nodes are cells (class, volume, centroid), edges are common facets (area,
               module and predicate)
    .ine       each cell of a partition as an intersection of half-spaces: one block for each cell in the plain format
               of cdd and lrs. A block begins with the line "cell i"; after "begin" and a line "rows columns real" each
               row b a_1 ... a_d stands for b + a_1 t_1 + ... + a_d t_d ≥ 0 in chart coordinates, with a unit inner
               normal a; the block ends with "end"
    ========== =========================================================================================

    Numbers are written so that they read back as the same float64. The file is whole or not there.

    Args:
        result: a partition or a boundary.
        path: target; its ending chooses the format.

    Returns:
        The path written.

    Raises:
        InputTypeError: if the result is neither, or has no file of this kind.
        InputError: if the ending is another one.
    """
    target = Path(path)
    if not isinstance(result, Partition | Boundary):
        raise InputTypeError(f"expected a partition or a boundary, got {type(result).__name__}")
    writers: dict[str, Callable[[Any, TextIO], None]] = {".csv": _csv, ".graphml": _graphml, ".ine": _half_spaces}
    if target.suffix not in writers:
        raise InputError(f"expected a path that ends in {', '.join(writers)}, got {str(path)!r}")
    if isinstance(result, Boundary) and target.suffix != ".csv":
        raise InputTypeError(f"expected a partition for a {target.suffix} file, got a boundary; write it as .csv")
    _replace(target, lambda handle: writers[target.suffix](result, handle))
    return target


def _replace(target: Path, write: Callable[[TextIO], None]) -> None:
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(
            "w", dir=target.parent, prefix=f".{target.name}.", delete=False, encoding="utf-8", newline=""
        ) as handle:
            temporary = handle.name
            write(handle)  # type: ignore[arg-type]
        Path(temporary).chmod(0o644)
        os.replace(temporary, target)
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}; choose another folder") from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def _csv(result: Partition | Boundary, handle: TextIO) -> None:
    columns = {name: np.asarray(values).tolist() for name, values in result.columns().items()}
    writer = csv.writer(handle, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))


def _half_spaces(cells: Partition, handle: TextIO) -> None:
    for cell in range(cells.cell_count):
        normals, offsets, _ = half_spaces(cells.complex, cell)
        rows = np.column_stack([offsets, -normals]).tolist()
        handle.write(f"cell {cell}\nH-representation\nbegin\n {len(rows)} {cells.dimension + 1} real\n")
        handle.writelines(" " + " ".join(map(repr, row)) + "\n" for row in rows)
        handle.write("end\n")


_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
"""


def _graphml(cells: Partition, handle: TextIO) -> None:
    centres = [f"centroid_{i}" for i in range(cells.dimension)]
    kinds = {"class": "long", "volume": "double", "touches_wall": "boolean", **dict.fromkeys(centres, "double")}
    handle.write(_HEAD)
    handle.writelines(_key("node", name, kind) for name, kind in kinds.items())
    handle.writelines(_key("edge", *item) for item in (("area", "double"), ("module", "string"), ("predicate", "long")))
    handle.write(' <graph edgedefault="undirected">\n')
    columns = cells.columns()
    rows = zip(*(np.asarray(columns[name]).tolist() for name in kinds), strict=True)
    for cell, row in enumerate(rows):
        data = "".join(_data("node", name, value) for name, value in zip(kinds, row, strict=True))
        handle.write(f'  <node id="{cell}">{data}</node>\n')
    handle.writelines(_edges(cells))
    handle.write(" </graph>\n</graphml>\n")


def _edges(cells: Partition) -> Iterator[str]:
    made = cells.complex
    inner = np.flatnonzero((made.neighbours >= 0).all(1))
    labels, areas = made.facet_label[inner].tolist(), made.areas[inner].tolist()
    known = made.dimension > 1
    for (a, b), label, area in zip(made.neighbours[inner].tolist(), labels, areas, strict=True):
        data = _data("edge", "area", area)
        if known:
            module, predicate = origin(cells.steps, label)
            data += _data("edge", "module", module) + _data("edge", "predicate", predicate)
        yield f'  <edge source="{a}" target="{b}">{data}</edge>\n'


def _key(element: str, name: str, kind: str) -> str:
    return f' <key id="{element}_{name}" for="{element}" attr.name="{name}" attr.type="{kind}"/>\n'


def _data(element: str, name: str, value: Any) -> str:
    from xml.sax.saxutils import escape

    text = escape(value) if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else repr(value)
    return f'<data key="{element}_{name}">{text}</data>'
