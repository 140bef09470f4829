"""The page's chapters on exact regions: their picture on planes through real samples, and their number."""

from collections.abc import Sequence
from dataclasses import replace
from math import log10
from typing import Any

from inscape.regions._compare import known_bounds
from inscape.regions._draw import class_map
from inscape.regions._views import View, names_of_classes, views
from inscape.results import Context, Figure, Section

_AFFINE_CELLS = 100_000


def section(context: Context) -> Section:
    """Exact regions on planes, coloured by class, with the decision boundary.

    Args:
        context: the page's context.

    Returns:
        The chapter; where the network is smooth inside or has a single input, it says so in words.
    """
    seen = views(context)
    drawn = [view for view in seen if view.partition is not None]
    numbers: dict[str, object] = {"views": {view.key: _facts(view) for view in seen}}
    if drawn:
        numbers["headline"] = {"exact regions on the planes": " + ".join(f"{v.partition.cell_count:,}" for v in drawn)}
    return Section(
        key="regions",
        title="Exact regions on planes through real samples",
        paragraphs=_paragraphs(drawn),
        figures=[_figure(view, context) for view in drawn],
        notes=_notes(seen, context),
        numbers=numbers,
    )


def _paragraphs(drawn: Sequence[View]) -> list[str]:
    if not drawn:
        return []
    return [
        "Inside a linear region the network is one affine function, so the picture below is the network itself "
        "and no "
        "sample of it: every border is computed, none is estimated. The colour is the class that the network "
        "names; the "
        "thick line is its decision boundary.",
        "Many small regions mean that the function bends often there. Point at a region to see its facts; drag "
        "to zoom "
        "in, double-click to come back.",
    ]


def _markers(view: View) -> tuple[Any, ...]:
    from inscape.plotting import Markers

    if not len(view.points):
        return ()
    return (Markers(points=view.points, names=view.names, values=view.labels),)


def _figure(view: View, context: Context) -> Figure:
    cells, line = view.partition, view.boundary
    info = replace(
        class_map(cells, line),
        names=names_of_classes(context, line.class_count),
        markers=_markers(view),
        xlabel="first axis (input units)",
        ylabel="second axis (input units)",
        title=view.title,
    )
    return Figure(name=view.key, info=info, caption=_caption(view))


def _caption(view: View) -> str:
    cells, line = view.partition, view.boundary
    curves = "one piece" if line.components == 1 else f"{line.components:,} pieces"
    text = f"{view.story} {cells.cell_count:,} regions; status {cells.status}."
    text += f" Decision boundary of length {line.length:.3g} in {curves}." if line.components else " One class only."
    return text + (" Dots are samples." if len(view.points) else "")


def _notes(seen: Sequence[View], context: Context) -> list[str]:
    if not seen:
        return ["The network has a single input, so there is no plane to look at."]
    notes = [f"{view.title}: no exact regions. {_sentence(view.problem)}" for view in seen if view.problem]
    notes += [
        f"{view.title}: the window is {view.share:.0%} of the one asked for (in each direction), because the "
        "whole would "
        f"have about {_round(view.predicted):,} regions and this page cuts windows to about {context.max_cells:,}."
        for view in seen
        if view.partition is not None and view.share < 1
    ]
    return notes


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def _round(value: float) -> int:
    """Two significant digits: a prediction is no count."""
    return int(float(f"{value:.1e}"))


def _facts(view: View) -> dict[str, object]:
    facts: dict[str, object] = {
        "title": view.title,
        "low": view.plane.low,
        "high": view.plane.high,
        "share_of_window": view.share,
        "predicted_cells": view.predicted,
    }
    if view.partition is None:
        return facts | {"problem": view.problem}
    facts |= {"cells": view.partition.cell_count, "status": str(view.partition.status)}
    return facts | {
        "boundary_length": view.boundary.length,
        "boundary_components": view.boundary.components,
        "class_areas": view.boundary.class_areas,
    }


def counts(context: Context) -> Section | None:
    """Exact counts beside the bounds and the expected scale, with the gap.

    Args:
        context: the page's context.

    Returns:
        The chapter, or None where nothing was counted.
    """
    drawn = [view for view in views(context) if view.partition is not None]
    if not drawn:
        return None
    bounds, notes = known_bounds(context.network, 2)
    tables = [_count_table(drawn)]
    if bounds:
        tables.append(_gap_table(drawn, bounds))
    return Section(
        key="counts",
        title="Counts against bounds and expected scale",
        paragraphs=[
            "The first table counts the regions of the windows above: sign patterns of the units (activation "
            "regions) and, "
            "where the windows are small enough, different affine functions and connected areas of one affine "
            "function.",
            "The second table sets the counts beside what theory says of a network of this shape on a plane: at most "
            "so many regions, whatever the weights; at least so many with the best weights, which trained ones are "
            "not; about so many with random weights. The gap is the decimal logarithm of that number over the count: "
            "2 means a hundred times as many. A window is only a part of its plane, so the count may also lie far "
            "below the expected scale.",
        ],
        tables=tables,
        notes=notes,
        numbers={
            "counts": {view.key: _counted(view) for view in drawn},
            "bounds": {name: {"relation": relation, "log10": log10(value)} for name, relation, value in bounds},
        },
    )


def _counted(view: View) -> dict[str, object]:
    cells = view.partition
    small = cells.cell_count <= _AFFINE_CELLS
    return {
        "activation": int(cells.count("activation")),
        "affine": int(cells.count("affine")) if small else None,
        "connected": int(cells.count("connected")) if small else None,
        "status": str(cells.status),
    }


def _count_table(drawn: Sequence[View]) -> Any:
    from inscape.plotting import Table

    rows = [_counted(view) for view in drawn]
    return Table(
        columns={
            "plane": [view.title for view in drawn],
            "activation regions": [row["activation"] for row in rows],
            "affine functions": [row["affine"] for row in rows],
            "connected regions": [row["connected"] for row in rows],
            "status": [row["status"] for row in rows],
        },
        caption=f"Counts in the drawn windows. The last two are counted up to {_AFFINE_CELLS:,} regions.",
    )


def _gap_table(drawn: Sequence[View], bounds: Sequence[tuple[str, str, int]]) -> Any:
    from inscape.plotting import Table

    columns: dict[str, list[object]] = {
        "quantity": [name for name, _, _ in bounds],
        "says": [relation for _, relation, _ in bounds],
        "regions": [value for _, _, value in bounds],
    }
    for view in drawn:
        count = max(1, int(view.partition.cell_count))
        columns[f"gap ({view.short})"] = [round(log10(value) - log10(count), 2) for _, _, value in bounds]
    return Table(columns=columns, caption="Bounds and scale for a plane (dimension 2), and the gap to the counts.")
