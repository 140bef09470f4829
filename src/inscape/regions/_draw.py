"""Info objects of partitions and boundaries."""

from dataclasses import replace
from typing import Any

import numpy as np


def plane_info(cells: Any) -> Any:
    """Cells of a partition coloured by the class at their centroid.

    Args:
        cells: a partition of dimension 2.

    Returns:
        A ``PolygonMap``.
    """
    from inscape.plotting import PolygonMap

    points, offsets = cells.polygons()
    outputs = int(np.prod(cells.output_shape))
    return PolygonMap(
        points=points,
        offsets=offsets,
        values=np.asarray(cells.classes),
        categorical=True,
        names=class_names(outputs),
        label="class at the centre",
        hover={"cell": np.arange(cells.cell_count), "area": cells.volumes, "corners": np.diff(offsets)},
        low=cells.domain.low,
        high=cells.domain.high,
        xlabel=axis(cells.domain, 0),
        ylabel=axis(cells.domain, 1),
        title=f"{cells.cell_count:,} cells ({cells.status})",
    )


def class_names(outputs: int) -> tuple[str, ...]:
    """Names of the classes where the caller gave none."""
    return ("output ≤ 0", "output > 0") if outputs == 1 else tuple(str(i) for i in range(outputs))


def axis(domain: Any, i: int) -> str:
    """Label of a chart axis."""
    from inscape.geometry import Box

    return f"x{i + 1}" if isinstance(domain, Box) else f"axis {i + 1} (input units)"


def line_info(cells: Any) -> Any:
    """Outputs of a one-dimensional partition along the line, with a break at every vertex.

    Args:
        cells: a partition of dimension 1.

    Returns:
        A ``Lines``.
    """
    from inscape.plotting import Lines, Series

    order = np.argsort(cells.centroids[:, 0])
    ends = cells.vertices[cells.complex.ends[order], 0]
    t = np.append(ends[:, 0], ends[-1, 1])
    maps = cells.affine_maps[order]
    values = np.concatenate(
        [maps[:, :, 0] + maps[:, :, 1] * ends[:, :1], (maps[-1:, :, 0] + maps[-1:, :, 1] * ends[-1, 1])]
    )
    series = tuple(Series(x=t, y=values[:, o], name=f"output {o}") for o in range(values.shape[1]))
    return Lines(
        series=series,
        xlabel=axis(cells.domain, 0),
        ylabel="output",
        title=f"{cells.cell_count:,} pieces ({cells.status})",
    )


def boundary_info(found: Any) -> Any:
    """Pieces of one class each, with the boundary drawn over them.

    Args:
        found: a boundary.

    Returns:
        A ``PolygonMap``.

    Raises:
        InputError: if the boundary does not lie in a plane.
    """
    from inscape._errors import InputError
    from inscape.plotting import PolygonMap

    if found.complex.dimension == 1:
        raise InputError("a boundary on a line is a list of points and has no figure; see segments and pairs")
    if found.complex.dimension > 2:
        raise InputError(
            f"a boundary in dimension {found.complex.dimension} has no figure; find it on a Plane, or on a slice of "
            "dimension 3"
        )
    points, offsets = found.polygons()
    names = class_names(found.class_count) if found.class_count > 2 else ("class 0", "class 1")
    return PolygonMap(
        points=points,
        offsets=offsets,
        values=np.asarray(found.classes),
        categorical=True,
        names=names,
        label="class",
        hover={"piece": np.arange(len(found.classes)), "area": found.complex.volumes},
        lines=boundary_lines(found),
        low=found.domain.low,
        high=found.domain.high,
        xlabel=axis(found.domain, 0),
        ylabel=axis(found.domain, 1),
        title=f"decision boundary of length {found.length:.4g} ({found.status})",
    )


def surface_info(found: Any) -> Any:
    """A boundary in space, coloured by the classes on both sides.

    Args:
        found: a boundary of dimension 3.

    Returns:
        A ``Mesh``.
    """
    from inscape.plotting import Mesh

    points, offsets = found.surface()
    pairs, values = np.unique(np.sort(found.pairs, axis=1), axis=0, return_inverse=True)
    names = class_names(found.class_count) if found.class_count > 2 else ("class 0", "class 1")
    return Mesh(
        points=points,
        offsets=offsets,
        values=values.ravel(),
        categorical=True,
        names=tuple(f"{names[i]} | {names[j]}" for i, j in pairs),
        label="boundary between",
        low=found.domain.low,
        high=found.domain.high,
        axes=(axis(found.domain, 0), axis(found.domain, 1), axis(found.domain, 2)),
        title=f"decision boundary of area {found.measure:.4g} ({found.status})",
    )


def class_map(cells: Any, line: Any) -> Any:
    """Pieces of one class each, so that colours are exact; the pointer tells of the region that they belong to.

    Args:
        cells: a partition of dimension 2.
        line: the decision boundary on the same domain.

    Returns:
        A ``PolygonMap``.
    """
    region = cells.locate(line.complex.centroids)
    hover = {"area of the region": cells.volumes[region], "its corners": np.diff(cells.polygons()[1])[region]}
    lines = tuple(replace(drawn, name="") for drawn in boundary_lines(line))
    return replace(boundary_info(line), hover=hover, lines=lines)


def boundary_lines(found: Any) -> tuple[Any, ...]:
    """The boundary as one line with breaks.

    Args:
        found: a boundary of dimension 2.

    Returns:
        A tuple with one ``Polyline``, or none.
    """
    from inscape.plotting import Polyline

    segments = found.segments
    if not len(segments):
        return ()
    breaks = np.full((len(segments), 1, 2), np.nan)
    points = np.concatenate([segments, breaks], axis=1).reshape(-1, 2)[:-1]
    return (Polyline(points=points, name="decision boundary", width=2.0),)
